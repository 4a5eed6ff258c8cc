// A network as a TorchScript module: what its forward pass does is written down while it runs, and its tensors become the
// module's own, under their names. `tch` traces too, but makes constants of weights: they could neither be moved to another device
// nor trained further. `src/script_trace.rs` wraps this function.
#pragma once
#include <cstddef>

extern "C" {
// A forward pass: of the `at::Tensor *` `input`, which becomes the callee's, makes `*output`, which becomes the caller's. Gives 0, or
// another number where it failed.
typedef int (*ablatrix_forward)(void *context, void *input, void **output);

// Writes to `path` the module of the `n` `at::Tensor *` `tensors`, named as in `state_dict`, whose method `forward` does what
// `forward` does with `input`. A module that is called on the way is `backbone`, or null. To be called without gradients. Gives null, or a
// message that the caller frees with `ablatrix_free`.
char *ablatrix_script_trace(const char *const *names, void *const *tensors, const int *are_parameters, size_t n,
                            void *backbone, const void *input, void *context, ablatrix_forward forward,
                            const char *path);
}
