#include "script_module.h"

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <unordered_set>

namespace {

using torch::jit::Module;

Module &as_module(void *module) { return *static_cast<Module *>(module); }

std::optional<at::Tensor> own_tensor(const Module &module, const std::string &name) {
  if (!module.hasattr(name)) return std::nullopt;
  const auto value = module.attr(name);
  if (!value.isTensor()) return std::nullopt;
  return value.toTensor();
}

bool is_frozen_norm(const Module &module) {
  if (!own_tensor(module, "running_mean")) return false;
  const auto weight = own_tensor(module, "weight");
  return weight && weight->defined() && !weight->requires_grad();
}

// `Module::train` asserts that every part has the flag; parts that were frozen by `torch.jit.freeze` have none.
void set_training(const Module &root, bool train) {
  for (const Module &module : root.modules()) {
    const auto slot = module._ivalue()->type()->findAttributeSlot("training");
    if (slot) module._ivalue()->setSlot(*slot, train && !is_frozen_norm(module));
  }
}

}  // namespace

extern "C" {

char *ablatrix_script_load(const char *path, int gpu, void **module) {
  try {
    const auto device = gpu < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(gpu));
    *module = new Module(torch::jit::load(std::string(path), device));
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}

void ablatrix_script_free(void *module) { delete &as_module(module); }

char *ablatrix_script_tensors(void *module, void *context,
                              void (*visit)(void *, const char *, void *, int)) {
  try {
    std::unordered_set<const c10::TensorImpl *> seen;
    for (const auto &part : as_module(module).named_modules()) {
      const auto hand_over = [&](const std::string &leaf, const at::Tensor &tensor, bool is_parameter) {
        if (!tensor.defined() || !seen.insert(tensor.unsafeGetTensorImpl()).second) return;
        const auto name = part.name.empty() ? leaf : part.name + "." + leaf;
        visit(context, name.c_str(), new at::Tensor(tensor), is_parameter);
      };
      for (const auto &own : part.value.named_parameters(/*recurse=*/false)) hand_over(own.name, own.value, true);
      for (const auto &own : part.value.named_buffers(/*recurse=*/false)) hand_over(own.name, own.value, false);
    }
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}

char *ablatrix_script_forward(void *module, const void *input, int train, void **output) {
  try {
    // One operation after the other, as without TorchScript: the optimizing executor runs a graph differently the first
    // times, and a training that went on after an interruption would end in other bits.
    const torch::jit::GraphOptimizerEnabledGuard plain(false);
    set_training(as_module(module), train != 0);
    const auto result = as_module(module).forward({*static_cast<const at::Tensor *>(input)});
    if (!result.isTensor()) return strdup(("the module gives a " + result.tagKind() + ", expected one tensor").c_str());
    *output = new at::Tensor(result.toTensor());
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}
}
