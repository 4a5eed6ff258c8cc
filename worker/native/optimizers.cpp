#include "optimizers.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>

#include <cstring>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace {

using List = void *const *;

at::Tensor &tensor(List list, size_t i) { return *static_cast<at::Tensor *>(list[i]); }

// The tensors of `list` whose gradients are there.
std::vector<at::Tensor> reached(List list, List gradients, size_t n) {
  std::vector<at::Tensor> tensors;
  for (size_t i = 0; i < n; ++i) {
    if (gradients[i]) tensors.push_back(tensor(list, i));
  }
  return tensors;
}

// Calls `step` and turns what it throws into a message.
template <typename Step>
char *attempt(Step step) {
  try {
    step();
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}

}  // namespace

extern "C" {

char *ablatrix_take_gradients(List parameters, size_t n, void **gradients) {
  return attempt([&] {
    for (size_t i = 0; i < n; ++i) {
      at::Tensor &parameter = tensor(parameters, i);
      at::Tensor &gradient = parameter.mutable_grad();
      if (!gradient.defined()) continue;
      auto taken = std::make_unique<at::Tensor>(std::move(gradient));
      gradient.reset();
      if (taken->strides() != parameter.strides()) {
        *taken = at::empty_like(parameter).copy_(*taken);
      }
      gradients[i] = taken.release();
    }
  });
}

char *ablatrix_adam_step(List parameters, List gradients, List means, List squares, size_t n, void *step, double lr,
                         double beta1, double beta2, double weight_decay, double epsilon, bool decoupled) {
  return attempt([&] {
    const auto moved = reached(parameters, gradients, n);
    if (moved.empty()) return;
    const std::vector<at::Tensor> steps(moved.size(), *static_cast<at::Tensor *>(step));
    const auto along = reached(gradients, gradients, n);
    const auto first = reached(means, gradients, n), second = reached(squares, gradients, n);
    const bool amsgrad = false, maximize = false;
    if (decoupled) {
      at::_fused_adamw_(moved, along, first, second, {}, steps, lr, beta1, beta2, weight_decay, epsilon, amsgrad,
                        maximize);
    } else {
      at::_fused_adam_(moved, along, first, second, {}, steps, lr, beta1, beta2, weight_decay, epsilon, amsgrad,
                       maximize);
    }
  });
}

char *ablatrix_sgd_step(List parameters, List gradients, List momenta, size_t n, double lr, double weight_decay,
                        double momentum, bool nesterov) {
  return attempt([&] {
    const auto moved = reached(parameters, gradients, n);
    if (moved.empty()) return;
    std::vector<at::Tensor> buffers;
    if (momentum != 0) buffers = reached(momenta, gradients, n);
    // From zeros, a first step without dampening is the same as any other.
    at::_fused_sgd_(moved, reached(gradients, gradients, n), buffers, weight_decay, momentum, lr, /*dampening=*/0.0,
                    nesterov, /*maximize=*/false, /*is_first_step=*/false);
  });
}
}
