#include "precision.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>

#include <cstring>
#include <string>

namespace {

at::DeviceType device_of(int is_cuda) { return is_cuda ? at::kCUDA : at::kCPU; }

}  // namespace

extern "C" {

void ablatrix_autocast_enter(int is_cuda) {
  at::autocast::set_autocast_dtype(device_of(is_cuda), at::kBFloat16);
  at::autocast::set_autocast_enabled(device_of(is_cuda), true);
  at::autocast::set_autocast_cache_enabled(true);
  at::autocast::increment_nesting();
}

void ablatrix_autocast_leave(int is_cuda) {
  at::autocast::set_autocast_enabled(device_of(is_cuda), false);
  // The cache holds weights in bfloat16 as they were: a step changes them.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

int ablatrix_autocast_pause_cpu() {
  const bool was_on = at::autocast::is_autocast_enabled(at::kCPU);
  if (was_on) at::autocast::set_autocast_enabled(at::kCPU, false);
  return was_on;
}

void ablatrix_autocast_resume_cpu() { at::autocast::set_autocast_enabled(at::kCPU, true); }

void ablatrix_allow_tf32(int allowed) {
  at::globalContext().setAllowTF32CuBLAS(allowed != 0);
  at::globalContext().setAllowTF32CuDNN(allowed != 0);
}

void ablatrix_cpu_capability(char *text, unsigned long size) {
  if (size == 0) return;
  const std::string capability = at::get_cpu_capability();
  std::strncpy(text, capability.c_str(), size - 1);
  text[size - 1] = '\0';
}
}
