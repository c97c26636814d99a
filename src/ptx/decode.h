// From a parsed function to steps that run.
#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ptx/chain.h"
#include "ptx/flow.h"
#include "ptx/select.h"

namespace intarsia::ptx {

// Fills image.codes of the entry and of every function it can reach, places shared variables and module
// variables.
void decode(Image& image);

// Loads of one register's addresses, while a chain is made.
struct ChainBase {
  std::size_t at = 0;  // its kBase
  const Decoded* first = nullptr;
  bool live = true;  // nothing wrote the register since
};

class Decoder {
 public:
  Decoder(Image& image, Code& code);
  void run();
  // Steps whose result a GPU may round otherwise, with their form.
  const std::vector<std::pair<std::size_t, std::string>>& inexact_steps() const { return inexact_steps_; }

 private:
  // How the words of a row became references.
  struct Bound {
    std::vector<Ref> refs;
    std::vector<int> widths;
    std::uint8_t negated = 0;
    std::int64_t immediate = 0;
  };

  void place_registers();
  void place_locals();
  void instruction(std::size_t index);
  void leave_out_invariant();
  Bound bind(const Form& form, const Instruction& in);
  void bind_word(const Form& form, std::string_view word, const Operand& operand, Bound& bound);
  void emit(const Form& form, const Instruction& in, Decoded step);
  void emit(const Form& form, const Instruction& in, Decoded step, ChainStep::Kind kind);
  void make_chains();
  bool join(Chain& chain, std::vector<ChainBase>& bases, std::size_t s) const;
  bool join_words(Chain& chain, std::vector<ChainBase>& bases, std::size_t s) const;
  void forget_written(std::vector<ChainBase>& bases, std::size_t s) const;
  Decoded step_of(const Form& form, const Bound& bound);

  void move(const Form& form, const Instruction& in);
  void memory(const Form& form, const Instruction& in);
  void kernel_param_bounds(const Form& form, const Instruction& in, const Decoded& step,
                           std::int64_t count) const;
  void atomic(const Form& form, const Instruction& in);
  void hint(const Form& form, const Instruction& in);
  void video(const Form& form, const Instruction& in);
  void branch(const Form& form, const Instruction& in);
  void call(const Form& form, const Instruction& in);
  void barrier(const Form& form, const Instruction& in);
  void matrix(const Form& form, const Instruction& in);
  void fragments(const Form& form, const Instruction& in);
  void asynchronous(const Form& form, const Instruction& in);
  void matrix_rows(const Form& form, const Instruction& in);
  void warp_group(const Form& form, const Instruction& in);
  void fragment(const Instruction& in, const Operand& o, int count, int width, std::vector<Ref>& out);
  void async(const Form& form, const Instruction& in);
  void bulk(const Form& form, const Instruction& in);
  void tensor(const Form& form, const Instruction& in);
  void tensor_map(const Form& form, const Instruction& in);
  void remote(const Form& form, const Instruction& in);
  void whole_address(const Form& form, const Instruction& in, const Operand& o, Space space, std::size_t k,
                     Decoded& step);

  Ref source(const Operand& operand, int width, Type type);
  Ref destination(const Operand& operand, int width);
  Ref predicate_source(const Operand& operand);
  Ref constant(std::uint64_t bits, int width);
  Ref scratch(int width);
  Ref allocate(int width);
  int width_of(const Operand& operand, int otherwise) const;
  std::uint64_t immediate_bits(const Operand& operand, int width, Type type) const;
  std::uint32_t list(const std::vector<Operand>& operands, int width, Type type, bool destinations);
  void address(const Operand& operand, Space space, std::size_t at, Decoded& step);
  Space space_of_symbol(const std::string& name) const;
  std::uint64_t symbol_address(const std::string& name, bool& frame_local) const;
  CallSite::Copy param_storage(const std::string& name, const Instruction& in) const;
  [[noreturn]] void bad(const Instruction& in, const std::string& what) const;

  std::vector<ChainStep::Kind> kinds_;  // by step
  Image& image_;
  Code& code_;
  const Function& function_;
  FlowOrder flow_;
  std::vector<Ref> registers_;
  std::map<int, Ref> scratch_;
  std::map<std::pair<std::uint64_t, int>, Ref>& constants_;
  std::unordered_map<std::string, CallSite::Copy> params_;       // per-lane storage
  std::unordered_map<std::string, std::uint32_t> locals_;        // offset in the frame's local memory
  std::unordered_map<std::string, std::int64_t> kernel_params_;  // offset
  std::vector<std::uint32_t> first_step_;                        // by instruction
  std::vector<std::pair<std::size_t, std::int32_t>> jumps_;      // step -> instruction, to be filled in
  std::vector<std::pair<std::size_t, std::vector<std::int32_t>>> switches_;
  std::vector<std::pair<std::size_t, std::string>> inexact_steps_;
};

}  // namespace intarsia::ptx
