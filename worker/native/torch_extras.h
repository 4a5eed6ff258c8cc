// What PyTorch offers and `tch` does not pass on. Each function says what it is for; `src/torch.rs` wraps them.
// A function that can fail gives null, or a message that the caller frees with `ablatrix_free`.
#pragma once

extern "C" {
// The version of the headers that this was compiled with, as "2.11.0"; static.
const char *ablatrix_libtorch_version();

void ablatrix_free(char *message);

// Same inputs, same bits: deterministic algorithms, cuDNN and oneDNN. Operations that have no deterministic
// form warn once on stderr instead of failing. Fresh memory is not filled, since nothing here reads it unset.
// Not `wanted`, a GPU may sum in any order, and cuDNN tries its algorithms and takes the fastest one.
void ablatrix_set_deterministic(int wanted);
int ablatrix_is_deterministic();

// Sets an environment variable without which cuBLAS cannot be deterministic; before there are threads that read the
// environment.
void ablatrix_prepare_cublas();

// Loads libtorch_cuda: linkers drop a library that nobody calls by name, and CUDA is then silently
// "not available".
char *ablatrix_load_cuda();

// Keeps freed blocks of any size in the process: glibc gives large ones back to the kernel each time, and
// each step of a training then pays for fresh pages.
void ablatrix_keep_freed_memory();
}
