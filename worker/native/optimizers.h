// Steps of optimizers over many tensors in one call, and the gradients that they go along. `src/fused.rs` wraps them.
// Lists hold `n` pointers to `at::Tensor`; an entry of `gradients` may be null: that parameter keeps its value and its
// state. Each function gives null, or a message that the caller frees with `ablatrix_free`.
#pragma once
#include <cstddef>

extern "C" {
// Moves the gradients that `backward` left on the parameters into `gradients`, as tensors that the caller owns, laid out in
// memory as their parameters are: the kernels below walk over raw memory. Null where there is none; the caller owns those
// that are there also where a message is given.
char *ablatrix_take_gradients(void *const *parameters, size_t n, void **gradients);

// One step of Adam (`torch.optim.Adam(fused=True)`), or with `decoupled` of AdamW. `step` is a scalar f32 tensor that already
// counts this step.
char *ablatrix_adam_step(void *const *parameters, void *const *gradients, void *const *means, void *const *squares,
                         size_t n, void *step, double lr, double beta1, double beta2, double weight_decay,
                         double epsilon, bool decoupled);

// One step of stochastic gradient descent (`torch.optim.SGD(fused=True)`); `momenta` is read where `momentum` is not 0, and
// starts at zeros.
char *ablatrix_sgd_step(void *const *parameters, void *const *gradients, void *const *momenta, size_t n, double lr,
                        double weight_decay, double momentum, bool nesterov);
}
