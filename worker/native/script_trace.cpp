#include "script_trace.h"

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using torch::jit::Module;

// A module whose parts are made as names ask for them: `blocks.0.conv.weight` is the tensor `weight` of a part of a part.
class Tree {
 public:
  Tree() : unit_(std::make_shared<torch::jit::CompilationUnit>()) { parts_.emplace("", part("__torch__.Network")); }

  void add(const std::string &name, const at::Tensor &tensor, bool is_parameter) {
    const auto dot = name.rfind('.');
    Module owner = at(dot == std::string::npos ? "" : name.substr(0, dot));
    const auto leaf = dot == std::string::npos ? name : name.substr(dot + 1);
    if (is_parameter) {
      owner.register_parameter(leaf, tensor, /*is_buffer=*/false);
    } else {
      owner.register_buffer(leaf, tensor);
    }
  }

  Module root() const { return parts_.at(""); }

 private:
  Module part(const std::string &type) {
    Module made(c10::QualifiedName(type), unit_, /*shouldMangle=*/true);
    // `eval()` and `train()` ask for it.
    made.register_attribute("training", c10::BoolType::get(), false);
    return made;
  }

  Module at(const std::string &path) {
    const auto known = parts_.find(path);
    if (known != parts_.end()) return known->second;
    const auto dot = path.rfind('.');
    Module owner = at(dot == std::string::npos ? "" : path.substr(0, dot));
    Module made = part("__torch__.Part");
    owner.register_module(dot == std::string::npos ? path : path.substr(dot + 1), made);
    parts_.emplace(path, made);
    return made;
  }

  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::map<std::string, Module> parts_;
};

}  // namespace

extern "C" {

char *ablatrix_script_trace(const char *const *names, void *const *tensors, const int *are_parameters, size_t n,
                            void *backbone, const void *input, void *context, ablatrix_forward forward,
                            const char *path) {
  try {
    Tree tree;
    for (size_t i = 0; i < n; ++i) {
      tree.add(names[i], *static_cast<const at::Tensor *>(tensors[i]), are_parameters[i] != 0);
    }
    Module root = tree.root();
    if (backbone) root.register_module("backbone", *static_cast<Module *>(backbone));
    const auto run = [&](torch::jit::Stack inputs) -> torch::jit::Stack {
      void *output = nullptr;
      if (forward(context, new at::Tensor(inputs.at(0).toTensor()), &output) != 0) {
        throw std::runtime_error("the forward pass failed");
      }
      const std::unique_ptr<at::Tensor> owned(static_cast<at::Tensor *>(output));
      return {*owned};
    };
    const auto unnamed = [](const at::Tensor &) { return std::string(); };
    const auto traced = torch::jit::tracer::trace({*static_cast<const at::Tensor *>(input)}, run, unnamed,
                                                  /*strict=*/true, /*force_outplace=*/false, &root, {"images"});
    const c10::QualifiedName name(*root.type()->name(), "forward");
    root.type()->addMethod(root._ivalue()->compilation_unit()->create_function(name, traced.first->graph));
    root.save(std::string(path));
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}
}
