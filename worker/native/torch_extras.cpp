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

void ablatrix_set_deterministic(int wanted) {
  auto &context = at::globalContext();
  context.setDeterministicAlgorithms(wanted != 0, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(wanted != 0);
  // On the processor it costs nothing.
  context.setDeterministicMkldnn(true);
  context.setBenchmarkCuDNN(wanted == 0);
}

int ablatrix_is_deterministic() {
  const auto &context = at::globalContext();
  return context.deterministicAlgorithms() && context.deterministicCuDNN() && !context.benchmarkCuDNN();
}

void ablatrix_prepare_cublas() {
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
