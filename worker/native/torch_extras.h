// What PyTorch offers and `tch` does not pass on. Each function says what it is for; `src/torch.rs` wraps them.
// A function that can fail gives null, or a message that the caller frees with `ablatrix_free`.
#pragma once
#include <cstddef>

extern "C" {
// The version of the headers that this was compiled with, as "2.11.0"; static.
const char *ablatrix_libtorch_version();

void ablatrix_free(char *message);

// Same inputs, same bits: deterministic algorithms, cuDNN and oneDNN. Operations that have no deterministic
// form warn once on stderr instead of failing. Fresh memory is not filled, since nothing here reads it unset.
// Sets an environment variable that cuBLAS reads, so: before there are threads that read the environment.
void ablatrix_set_deterministic();

// Loads libtorch_cuda: linkers drop a library that nobody calls by name, and CUDA is then silently
// "not available".
char *ablatrix_load_cuda();

// Keeps freed blocks of any size in the process: glibc gives large ones back to the kernel each time, and
// each step of a training then pays for fresh pages.
void ablatrix_keep_freed_memory();

// One step of Adam over all parameters in one call (`torch.optim.Adam(fused=True)`), along the gradients that
// `backward` left on them, which are dropped. The lists hold `n` pointers to `at::Tensor`; `step` is a scalar
// f32 tensor that already counts this step. A parameter without a gradient keeps its value.
char *ablatrix_adam_step(void *const *parameters, void *const *means, void *const *squares, size_t n,
                         void *step, double lr, double beta1, double beta2, double weight_decay,
                         double epsilon);
}
