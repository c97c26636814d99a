// What of a module this library does not run, all at once; what of a program a device cannot.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/error.h"
#include "ptx/launch.h"
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

constexpr std::int64_t kStaticShared = 48 << 10;

// The message of fail() without "FILE:LINE: " before and the line's text after it.
std::string sentence(const Module& module, std::int32_t line, std::string message) {
  const std::string place = fmt::format("{}:{}: ", module.source, line);
  if (message.starts_with(place)) message.erase(0, place.size());
  return message.substr(0, message.find('\n'));
}

Problem unlisted(const Module& module, const Instruction& in,
                 const std::vector<std::string_view>& modifiers) {
  Problem out{in.place.line, std::string(module.line_text(in.place.line)), "", "", 1};
  std::string form = in.opcode;
  for (std::string_view m : modifiers) form += fmt::format(".{}", m);
  out.what = fmt::format("'{}' is not in the opcode table", form);
  out.nearest = nearest_form(in.opcode, modifiers);
  return out;
}

}  // namespace

std::vector<Problem> survey(const Module& module) {
  std::vector<Problem> out;
  const auto add = [&](Problem problem) {
    for (Problem& p : out)
      if (p.what == problem.what) {
        ++p.count;
        return;
      }
    out.push_back(std::move(problem));
  };
  for (const Function& function : module.functions)
    for (const Instruction& in : function.body) {
      const std::vector<std::string_view> modifiers(in.modifiers.begin(), in.modifiers.end());
      if (match_modifiers(in.opcode, modifiers).row == nullptr) {
        add(unlisted(module, in, modifiers));
        continue;
      }
      try {
        match(module, function, in);
      } catch (const UserError& error) {
        const std::int32_t line = in.place.line;
        add({line, std::string(module.line_text(line)), sentence(module, line, error.what()), "", 1});
      }
    }
  std::sort(out.begin(), out.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.what) < std::tie(b.line, b.what);
  });
  return out;
}

bool runs_on(std::string_view target, int architecture) {
  if (!target.starts_with("sm_")) return true;
  int number = 0;
  const char* end = target.data() + target.size();
  const char* rest = std::from_chars(target.data() + 3, end, number).ptr;
  if (rest != end && *rest == 'a') return number == architecture;
  if (rest != end && *rest == 'f') return number / 10 == architecture / 10 && number <= architecture;
  return number <= architecture;
}

std::vector<std::string> unfit(const Program& program, const Device& device) {
  std::vector<std::string> out;
  const Module& module = program.module();
  const Entry& entry = program.entry();
  const int sm = device.architecture;
  if (!runs_on(module.target, sm))
    out.push_back(fmt::format("PTX for {} does not run on sm_{}", module.target, sm));
  if (program.static_shared_bytes() > kStaticShared)
    out.push_back(fmt::format("{} bytes of static shared memory; ptxas allows {}, and more as dynamic memory",
                              program.static_shared_bytes(), kStaticShared));
  if (entry.reqntid) {
    const auto& n = *entry.reqntid;
    const std::int64_t threads = std::int64_t{n[0]} * n[1] * n[2];
    if (threads > device.threads_per_block)
      out.push_back(fmt::format("its .reqntid asks for {} threads; a block of sm_{} has at most {}", threads,
                                sm, device.threads_per_block));
  }
  if (entry.cluster && sm < 90)
    out.push_back(fmt::format("its .reqnctapercluster asks for clusters, which sm_{} does not have", sm));
  return out;
}

}  // namespace intarsia::ptx
