// The parser's pieces: a cursor over tokens, declarations, and the body of a function.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/syntax.h"

namespace intarsia::ptx {

class Cursor {
 public:
  Cursor(Module& module, const std::vector<Token>& tokens) : module_(module), tokens_(tokens) {}

  const Token& peek(std::size_t ahead = 0) const;
  Token take();
  bool at_mark(char mark, std::size_t ahead = 0) const;
  bool at_dotted(std::string_view text) const;
  bool accept_mark(char mark);
  bool accept_dotted(std::string_view text);
  void expect_mark(char mark);
  std::string expect_word(const char* what);
  std::int64_t expect_integer(const char* what);  // with an optional sign
  std::int64_t expect_integer(const char* what, std::int64_t low, std::int64_t high);
  [[noreturn]] void expected(const std::string& what) const;  // at the current token
  [[noreturn]] void fail_at(std::int32_t line, const std::string& what) const;
  Module& module() { return module_; }

 private:
  Module& module_;
  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
};

// One variable after its space: [.align N] [.vN] .type [.ptr …] name [dims] [= initialiser].
Variable parse_variable(Cursor& cursor, Space space);
// "(.param …, .param …)", the opening parenthesis included.
std::vector<Variable> parse_params(Cursor& cursor);
// The space a directive names (".shared"), kGeneric for another directive.
Space variable_space(std::string_view directive);
void parse_loc(Cursor& cursor);

// The statements of a function up to its closing brace.
class BodyParser {
 public:
  BodyParser(Cursor& cursor, Function& function);
  void run();

 private:
  struct Range {  // .reg .b32 %r<count>
    std::string prefix;
    std::int64_t count;
    Type type;
  };
  struct Scope {
    int parent = -1;
    std::unordered_map<std::string, std::int32_t> registers;
    std::vector<Range> ranges;
    std::unordered_map<std::string, std::int32_t> labels;    // -> instruction
    std::unordered_map<std::string, std::string> variables;  // -> unique name
  };

  void statement();
  void directive();
  void registers();
  void local_variable(Space space);
  void declare_register(const std::string& name, Type type);
  void label(const Token& token);
  void labelled_directive(const std::string& name);
  void instruction();
  void guard(Instruction& instruction);
  Operand operand(int depth);
  Operand word_operand();
  Operand number_operand();
  Operand address(int depth);
  std::vector<Operand> list(char end, int depth);
  std::int64_t plus_integer();
  std::int32_t find_register(const std::string& name);
  std::string variable_name(const std::string& name) const;
  std::int32_t find_label(int scope, const std::string& name) const;
  void resolve_labels();
  void resolve(Operand& operand, const Instruction& instruction, int scope);
  bool declared(const std::string& name) const;

  struct Targets {
    std::string name;
    std::vector<std::string> labels;
    int scope;
    std::int32_t line;
  };

  Cursor& cursor_;
  Function& function_;
  std::vector<Scope> scopes_;
  int scope_ = 0;
  std::vector<int> instruction_scopes_;
  std::vector<Targets> targets_;
  std::unordered_map<std::string, int> variable_uses_;
};

}  // namespace intarsia::ptx
