#include "torch_extras.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/headeronly/version.h>

#include <cstdlib>
#include <cstring>

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
}
