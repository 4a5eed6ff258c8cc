// TorchScript modules as trainable parts of a network. `tch` loads them too, but shows no buffers: running statistics
// would be missing from checkpoints. `src/script.rs` wraps these functions.
// A function that can fail gives null, or a message that the caller frees with `ablatrix_free`.
#pragma once
#include <cstddef>

extern "C" {
// Loads the module in the file `path` onto the processor (`gpu` < 0) or a GPU, and stores it in `*module`.
char *ablatrix_script_load(const char *path, int gpu, void **module);

void ablatrix_script_free(void *module);

// Calls `visit(context, name, tensor, is_parameter)` for each parameter and buffer in the order of `state_dict`; one that
// goes by two names comes once. `tensor` is an `at::Tensor *` that becomes the callee's, and shares memory with the
// module.
char *ablatrix_script_tensors(void *module, void *context,
                              void (*visit)(void *context, const char *name, void *tensor, int is_parameter));

// The module's output for the `at::Tensor *` `input`, as an `at::Tensor *` that becomes the caller's. With `train`, all of
// its parts are in training mode but norms with running statistics whose weight does not ask for a gradient.
char *ablatrix_script_forward(void *module, const void *input, int train, void **output);
}
