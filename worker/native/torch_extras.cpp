#include "torch_extras.h"

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/empty_like.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/headeronly/version.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

namespace {

at::Tensor &tensor(void *const *list, size_t i) { return *static_cast<at::Tensor *>(list[i]); }

}  // namespace

extern "C" {

const char *ablatrix_libtorch_version() { return TORCH_VERSION; }

void ablatrix_free(char *message) { std::free(message); }

void ablatrix_set_deterministic() {
  auto &context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(true);
  context.setDeterministicMkldnn(true);
  context.setBenchmarkCuDNN(false);
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
}

char *ablatrix_load_cuda() {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) return nullptr;
  const char *reason = dlerror();
  return strdup(reason ? reason : "libtorch_cuda.so cannot be loaded");
}

void ablatrix_keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

char *ablatrix_adam_step(void *const *parameters, void *const *means, void *const *squares, size_t n,
                         void *step, double lr, double beta1, double beta2, double weight_decay,
                         double epsilon) {
  try {
    std::vector<at::Tensor> reached, gradients, reached_means, reached_squares;
    for (size_t i = 0; i < n; ++i) {
      at::Tensor &parameter = tensor(parameters, i);
      at::Tensor &gradient = parameter.mutable_grad();
      if (!gradient.defined()) continue;
      // The kernel walks over raw memory: all four must lie in it alike.
      if (gradient.strides() != parameter.strides()) {
        gradient = at::empty_like(parameter).copy_(gradient);
      }
      reached.push_back(parameter);
      gradients.push_back(std::move(gradient));
      gradient.reset();
      reached_means.push_back(tensor(means, i));
      reached_squares.push_back(tensor(squares, i));
    }
    const std::vector<at::Tensor> steps(reached.size(), *static_cast<at::Tensor *>(step));
    at::_fused_adam_(reached, gradients, reached_means, reached_squares, {}, steps, lr, beta1, beta2,
                     weight_decay, epsilon, /*amsgrad=*/false, /*maximize=*/false);
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}
}
