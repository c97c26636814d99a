#include "reduce.h"

#include <algorithm>

#include "writer.h"

namespace intarsia::ptx::random {
namespace {

// Every list of statements, outer ones before those inside them.
std::vector<Statements*> lists(Program& p) {
  std::vector<Statements*> all{&p.body, &p.tail};
  for (Subroutine& s : p.subroutines) all.push_back(&s.body);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Statements& list = *all[i];  // `all` grows
    for (Statement& s : list)
      for (Statements& block : s.blocks) all.push_back(&block);
  }
  return all;
}

// What is inside may stand outside: it breaks out of nothing, and names no lanes.
bool opens(const Statement& s) {
  return !s.blocks.empty() && !contains(s, [](const Statement& inside) {
    return inside.what == What::kBreak || inside.what == What::kShuffle || inside.what == What::kVote ||
           inside.what == What::kMatch || inside.what == What::kReduce;
  });
}

class Reducer {
 public:
  Reducer(Program program, const std::function<bool(const Program&)>& holds)
      : program_(std::move(program)), holds_(holds) {}

  Program run() {
    do {
      changed_ = false;
      for (std::size_t l = 0; l < lists(program_).size(); ++l) leave_out(l);
      for (std::size_t l = 0; l < lists(program_).size(); ++l) simplify(l);
    } while (changed_);
    return std::move(program_);
  }

 private:
  Program program_;
  const std::function<bool(const Program&)>& holds_;
  bool changed_ = false;

  template <class F>
  bool attempt(std::size_t list, F change) {
    Program smaller = program_;
    change(*lists(smaller)[list]);
    if (!holds_(smaller)) return false;
    program_ = std::move(smaller);
    return changed_ = true;
  }

  Statements& list(std::size_t l) { return *lists(program_)[l]; }

  // All of a list, its halves, … single statements; from its end, where the least depends on them.
  void leave_out(std::size_t l) {
    for (std::size_t count = list(l).size(); count > 0; count /= 2)
      for (std::size_t end = list(l).size(); end > 0;) {
        const std::size_t begin = end - std::min(end, count);
        attempt(l, [&](Statements& s) {
          s.erase(s.begin() + static_cast<std::ptrdiff_t>(begin),
                  s.begin() + static_cast<std::ptrdiff_t>(end));
        });
        end = begin;
      }
  }

  void simplify(std::size_t l) {
    for (std::size_t i = 0; i < list(l).size(); ++i) {
      const auto at = static_cast<std::ptrdiff_t>(i);
      if (const Statement& s = list(l)[i]; s.what == What::kOperation && s.guard >= 0)
        attempt(l, [&](Statements& all) { all[i].guard = -1; });
      if (!opens(list(l)[i])) continue;
      attempt(l, [&](Statements& all) {
        Statements inside;
        for (Statements& block : all[i].blocks) inside.insert(inside.end(), block.begin(), block.end());
        all.erase(all.begin() + at);
        all.insert(all.begin() + at, inside.begin(), inside.end());
      });
    }
  }
};

}  // namespace

Program reduced(Program program, const std::function<bool(const Program&)>& holds) {
  return Reducer(std::move(program), holds).run();
}

std::string listing(const Program& program) {
  Writer w(program);
  for (const Subroutine& s : program.subroutines) {
    if (s.body.empty()) continue;
    Writer inside(program, &s);
    inside.statements(s.body);
    w.out += "subroutine:\n" + inside.out + "end\n";
  }
  w.statements(program.body);
  if (!program.tail.empty()) w.out += "tail:\n";
  w.statements(program.tail);
  return w.out;
}

}  // namespace intarsia::ptx::random
