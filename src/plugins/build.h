// From what an implementation returned to what the scheduler takes: kernels that may fuse, or a program of
// steps.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "plugins/code.h"
#include "plugins/cuda_compiler.h"
#include "runtime/host_functions.h"
#include "schedule/implementation.h"

namespace intarsia::plugins {

struct Alias {  // an output that is updated in place: it starts as a copy of an input
  std::uint32_t input = 0, output = 0;
};
struct BuildContext {
  std::string who;                              // the plugin's id
  std::span<const TensorDesc> inputs, outputs;  // as its functions saw them: an aliased input is its output
  std::span<const Alias> aliases;
  const kernel::Capabilities& machine;
  std::string_view target;
  CudaCompiler cuda_compiler;
  std::string host_prefix;  // of names of host functions: unique for the registration and the request
  std::int64_t tactic = 0;
};
struct BuildResult {
  schedule::Built built;
  std::map<std::string, runtime::HostFunctionRef> host_functions;
};

// UserError: bindings that do not match, an output nothing writes, a geometry no device runs. Unsupported:
// nothing is wrong, but this machine cannot run it.
BuildResult build(const Steps& steps, const BuildContext& context);

}  // namespace intarsia::plugins
