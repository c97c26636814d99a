// PTX as code of the CPU device: run by the interpreter, checked as it runs.
#pragma once
#include "ptx/launch.h"
#include "runtime/cpu_device.h"
#include "runtime/cpu_image.h"

namespace intarsia::runtime {

class PtxCode final : public CpuCode {
 public:
  PtxCode(ptx::Program program, bool contract);
  // UserError for what the launch gets wrong, and with every report of what the kernel did wrong.
  void run(const LaunchRequest& request, const intarsia_host& host) const override;

 private:
  ptx::Program program_;
  bool contract_;     // as ptxas would fuse
  int architecture_;  // the one its module names: it is imitated
};

// Unsupported: below x86-64-v3, for which the interpreter's lanes are compiled.
void check_cpu_for_ptx(CpuLevel level);

// UserError where the text is no PTX, or has no such entry.
std::shared_ptr<const PtxCode> load_ptx(const Program& program, const Code& code, const Image& image);

}  // namespace intarsia::runtime
