// Writes statements as PTX: text.cpp has control and the frame, text_threads.cpp what threads do with memory
// and each other.
#pragma once
#include <fmt/format.h>

#include "program.h"

namespace intarsia::ptx::random {

constexpr int width_of(char letter) { return letter == 'h' ? 16 : letter == 'r' ? 32 : 64; }

class Writer {
 public:
  explicit Writer(const Program& program, const Subroutine* subroutine = nullptr)
      : program_(program), subroutine_(subroutine) {}
  std::string out;

  void statements(const Statements& all) {
    for (const Statement& s : all) statement(s);
  }
  void statement(const Statement& s);
  void operation(const Statement& s);
  void store_registers();
  void leave();
  int counters() const { return counters_; }

 private:
  const Program& program_;
  const Subroutine* subroutine_;  // whose body is written; null: the entry's
  int labels_ = 0, counters_ = 0;
  std::vector<std::string> loop_ends_;

  template <class... A>
  void line(fmt::format_string<A...> format, A&&... arguments) {
    out += "  " + fmt::format(format, std::forward<A>(arguments)...) + "\n";
  }
  std::string label() { return fmt::format("L{}", labels_++); }
  static std::string guard(int predicate, bool negated) {
    return predicate < 0 ? "" : fmt::format("@{}%p{} ", negated ? "!" : "", predicate);
  }
  std::string members(std::uint32_t lanes) const {
    return program_.threads() % 32 == 0 ? fmt::format("{:#x}", lanes) : "members";
  }
  std::string members_first(std::uint32_t lanes) const {
    return program_.threads() % 32 == 0
               ? ""
               : fmt::format(".reg .b32 members; and.b32 members, %present, {:#x}; ", lanes);
  }
  void canonical(char nan, const std::string& reg);
  void jump(int predicate, bool negated, const std::string& to);
  void branch(const Statement& s);
  void loop(const Statement& s);
  void selection(const Statement& s);
  void call(const Statement& s);
  void access(const Statement& s);
  void exchange(const Statement& s);
  void shuffle(const Statement& s);
  void of_warp(const Statement& s);
  void owned(const Statement& s);
  void float_atomic(const Statement& s);
  void copy(const Statement& s);
  void take_turned(const Statement& s);
  void arrive(const Statement& s);
  void bulk(const Statement& s);
  void wait_for_phase();
  void remote(const Statement& s);
  void hand_over(const Statement& s);
  void matrix(const Statement& s);
  void store_matrix(const Statement& s);
  void product(const Statement& s);
  void common(const Statement& s);
};

}  // namespace intarsia::ptx::random
