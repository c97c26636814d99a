// PTX as data: a module parsed from text, checked against the opcode table, listed and printed again.
//
// `parse` resolves scopes: every register of a function has an index, every label an instruction. Both
// dialects are read alike (nvcc's typed registers, LLVM's untyped ones): a register is untyped bits of a
// declared width. All functions here throw UserError with the line, its text and what was expected.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace intarsia::ptx {

enum class Space : std::uint8_t { kGeneric, kRegister, kParam, kGlobal, kShared, kConst, kLocal };
std::string_view name(Space space);

enum class Type : std::uint8_t {
  kNone,
  kPred,
  kB8,
  kB16,
  kB32,
  kB64,
  kB128,
  kU8,
  kU16,
  kU32,
  kU64,
  kS8,
  kS16,
  kS32,
  kS64,
  kF16,
  kF16x2,
  kF32,
  kF32x2,
  kF64,
  kBF16,
  kBF16x2,
  kTF32,
  kE4M3,
  kE5M2,
  kE4M3x2,
  kE5M2x2,
  kU16x2,
  kS16x2,
  kU8x4,
  kS8x4,
  kU4,
  kS4,
  kB1
};
std::string_view name(Type type);        // "f32"; without the dot
Type type_named(std::string_view text);  // kNone where no type is called that
int bits(Type type);                     // of one value in a register; kPred is 1

// A place in the text. `loc` is an index into Module::locations, -1 where no .loc came before.
struct Place {
  std::int32_t line = 0;
  std::int32_t loc = -1;
};

struct Location {  // one .loc directive
  std::int32_t file = 0, line = 0, column = 0;
  std::int32_t inlined_at = -1;  // index into Module::locations
};

struct Register {
  std::string name;  // as declared; two scopes may use one name
  Type type = Type::kNone;
};

struct Operand {
  enum class Kind : std::uint8_t {
    kRegister,  // index: of Function::registers; negated: !%p, -%r; name: a part of it, "b0" of %r.b0
    kInteger,   // integer
    kFloat,     // real, and its bits where the text gave them (0f…, 0d…)
    kSymbol,    // name (+ integer): a variable, parameter or function
    kLabel,     // index: the instruction it names
    kSpecial,   // name: %tid.x, …
    kAddress,   // [base + integer]; elements[0] is the base, or none for an absolute address
    kVector,    // {a, b, …}: elements
    kPair,      // p|q: elements
    kSink,      // _
    kList       // (a, b): elements, of a call
  };
  Kind kind = Kind::kSink;
  bool negated = false;
  std::uint8_t float_bits = 0;  // of kFloat: 32 or 64 where given as bits, 0 for decimal text
  std::int32_t index = -1;
  std::int64_t integer = 0;
  double real = 0;
  std::string name;
  std::vector<Operand> elements;
};

struct Instruction {
  std::string opcode;                  // "ld"
  std::vector<std::string> modifiers;  // "global", "v4", "b32"
  std::vector<Operand> operands;       // in the text's order
  std::int32_t guard = -1;             // register of the predicate, -1: none
  bool guard_negated = false;
  Place place;
};

struct Variable {
  struct Relocation {  // the address of `symbol` (+ addend), as `bytes` bytes at `offset`
    std::int64_t offset = 0;
    std::int32_t bytes = 8;
    std::string symbol;
    std::int64_t addend = 0;
  };
  std::string name;
  Space space = Space::kGlobal;
  Type type = Type::kNone;
  std::int64_t align = 1;
  std::int64_t bytes = 0;  // 0 where the array has no extent: dynamic shared memory
  bool external = false;
  bool pointer = false;  // .ptr of a parameter
  Space pointee = Space::kGeneric;
  std::int64_t pointee_align = 1;
  std::vector<std::uint8_t> data;  // empty: zero
  std::vector<Relocation> relocations;
  std::int32_t line = 0;
};

struct Prototype {  // .callprototype: what an indirect call passes
  std::vector<Variable> returns, params;
};

// A .entry or a .func.
struct Function {
  std::string name;
  bool entry = false;
  bool declaration = false;  // .extern .func, or a forward declaration
  std::vector<Variable> params, returns;
  std::vector<Variable> locals;  // .param, .local, .shared and .const variables of the body; names are unique
  std::vector<Register> registers;
  std::vector<Instruction> body;
  std::map<std::string, std::int32_t> labels;                       // as printed -> instruction
  std::map<std::string, std::vector<std::int32_t>> branch_targets;  // of brx.idx: name -> instructions
  std::map<std::string, Prototype> prototypes;
  std::optional<std::array<std::int32_t, 3>> reqntid, maxntid, cluster;
  std::optional<std::int32_t> minnctapersm, maxnreg;
  bool explicit_cluster = false;
  std::int32_t line = 0;
};
using Entry = Function;

struct Module {
  std::string source;  // what messages call the text: a file's name
  std::string text;
  std::vector<std::int64_t> line_starts;
  int version_major = 0, version_minor = 0;
  std::string target;  // "sm_90a"
  int address_size = 64;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<Location> locations;
  std::map<std::int32_t, std::string> files;

  std::string_view line_text(std::int32_t line) const;  // without blanks at both ends
  const Function* find(std::string_view function) const;
  const Entry& entry(
      std::string_view name) const;  // UserError lists the entries there are; "" is the only entry
  std::vector<const Entry*> entries() const;
  std::string source_place(std::int32_t loc) const;  // "triton_ptx.py:10:32"; "" for -1
};

// `source` is what messages call the text. Bytes after a NUL are ignored (CUDA's tools end PTX with one).
Module parse(std::string_view text, std::string_view source = "PTX");

// Checks each instruction against the opcode table: form, operand kinds and widths.
void verify(const Module& module);

// An instruction, or several alike, that verify() would refuse.
struct Problem {
  std::int32_t line = 0;    // the first one's
  std::string instruction;  // that line
  std::string what;         // without the line
  std::string nearest;      // the nearest form of the opcode table; empty where the form is listed
  std::int64_t count = 1;   // instructions
};
// All of them at once, by line. Never throws.
std::vector<Problem> survey(const Module& module);

struct PrintOptions {
  bool contraction = true;  // false: .rn on every mul, add, sub of floats, so that ptxas fuses nothing
};
std::string print(const Module& module, const PrintOptions& options = {});

// One parameter of an entry, as a launch must pass it.
struct Parameter {
  enum class Pointer : std::uint8_t { kNo, kInferred, kDeclared };  // inferred: flows into an address
  std::string name;
  std::int64_t bytes = 0, align = 1, offset = 0;
  Type type = Type::kNone;  // kNone for an array
  Pointer pointer = Pointer::kNo;
  bool read = false;  // whether the body ever reads it
  bool written =
      false;  // whether memory reached through it is ever written (stores, atomics), as far as seen
};
std::vector<Parameter> parameter_list(const Entry& entry);
std::int64_t parameter_bytes(const Entry& entry);  // of the whole list

// The PTX texts in `bytes` that a device of `architecture` would load: the bytes themselves where they are
// text, else those of a fatbin, or of a file for a linker that holds fatbins, with the newest architecture it
// can run. Compressed ones are unpacked (those of zstd with the machine's libzstd). UserError where there is
// none.
std::vector<std::string> ptx_texts(std::string_view bytes, int architecture, std::string_view source = "PTX");
// Whether a device runs PTX of this .target; "sm_90a" runs on sm_90 alone.
bool runs_on(std::string_view target, int architecture);

}  // namespace intarsia::ptx
