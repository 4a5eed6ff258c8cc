// Number formats of the forward pass, and what the processor offers for them; `src/precision.rs` wraps them.
#pragma once

extern "C" {
// From now on operations of this thread that gain from it compute in bfloat16 on the processor (`is_cuda` 0) or on the
// GPU, as `torch.autocast(dtype=torch.bfloat16)` does; to be left again.
void ablatrix_autocast_enter(int is_cuda);
void ablatrix_autocast_leave(int is_cuda);

// Switches that off for operations of this thread on the processor, and says whether it was on; `resume` switches it on again.
int ablatrix_autocast_pause_cpu();
void ablatrix_autocast_resume_cpu();

// Whether products and convolutions of 32-bit floats on a GPU may round their factors to TF32.
void ablatrix_allow_tf32(int allowed);

// The widest vector instructions that libtorch uses here, as "AVX512", into `text` of `size` bytes.
void ablatrix_cpu_capability(char *text, unsigned long size);
}
