// Schedules as text: all of it, or a line a step.
#include <fmt/format.h>

#include <algorithm>

#include "schedule/schedule.h"

namespace intarsia::schedule {
namespace {
using runtime::Argument;
using runtime::Step;

class Summary {
 public:
  explicit Summary(const runtime::Program& program) : p_(program) {}

  void steps(const std::vector<Step>& list, int depth) {
    for (const Step& s : list) {
      out += std::string(static_cast<std::size_t>(depth) * 2, ' ');
      if (const auto* l = std::get_if<runtime::Launch>(&s.body))
        launch(*l);
      else if (const auto* c = std::get_if<runtime::Copy>(&s.body))
        copy(*c);
      else if (const auto* c = std::get_if<runtime::Call>(&s.body))
        line(c->library + "." + c->function, c->arguments);
      else if (const auto* m = std::get_if<runtime::Memset>(&s.body))
        line("memset", std::span(&m->target, 1));
      else if (const auto* c = std::get_if<runtime::Choose>(&s.body))
        choose(s.name, *c, depth);
      else
        out += s.name + "\n";
    }
  }

  std::string out;

 private:
  void launch(const runtime::Launch& l) { line(p_.codes[l.code.index].entry, l.arguments); }
  void copy(const runtime::Copy& c) {
    out += fmt::format("copy: {} <- {}  # {}\n", name(c.to), name(c.from), c.reason);
  }
  void choose(const std::string& what, const runtime::Choose& c, int depth) {
    out += fmt::format("choose {}\n", what);
    for (const runtime::Alternative& a : c.alternatives) {
      out += fmt::format("{}{}:\n", std::string(static_cast<std::size_t>(depth) * 2 + 2, ' '), a.name);
      steps(a.steps, depth + 2);
    }
  }
  std::string name(const Argument& a) const { return p_.buffers[a.buffer.index].name; }
  void line(const std::string& what, std::span<const Argument> arguments) {
    std::vector<std::string> read, written;
    for (const Argument& a : arguments) {
      if (a.kind == Argument::Kind::kScalar) read.push_back(fmt::format("scalar {}", a.constant));
      if (a.kind != Argument::Kind::kBuffer) continue;
      auto& list = a.access == runtime::Access::kRead ? read : written;
      if (std::find(list.begin(), list.end(), name(a)) == list.end()) list.push_back(name(a));
    }
    out += fmt::format("{}: {} <- {}\n", what, fmt::join(written, ", "), fmt::join(read, ", "));
  }

  const runtime::Program& p_;
};

std::string notes(const Scheduled& s) {
  std::string out;
  for (const Note& n : s.notes) out += fmt::format("# node {}: {}\n", n.node, n.text);
  return out;
}
}  // namespace

std::string summary(const Scheduled& s) {
  Summary text(s.program);
  if (!s.program.prepare.empty()) {
    text.out += "prepare\n";
    text.steps(s.program.prepare, 1);
  }
  text.steps(s.program.steps, 0);
  return text.out + notes(s);
}

std::string print(const Scheduled& s) {
  std::string out = runtime::print(s.program);
  for (const kernel::Kernel& k : s.kernels) out += "\n" + kernel::print(k, false);
  return out + "\n" + notes(s);
}

}  // namespace intarsia::schedule
