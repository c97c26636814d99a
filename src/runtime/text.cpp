#include <fmt/format.h>

#include "runtime/fields.h"
#include "runtime/program.h"

namespace intarsia::runtime {
namespace {
constexpr const char* kBodyNames[] = {"nothing", "launch", "memset", "copy",
                                      "call",    "wait",   "choose", "while"};
static_assert(std::size(kBodyNames) == std::variant_size_v<Step::Body>);

// Names of enumerators, by value; 0 is none of any.
constexpr const char* kAccess[] = {"?", "read", "write", "update"};
constexpr const char* kArgument[] = {"?",     "buffer", "dim",   "constant",   "scalar",
                                     "bytes", "null",   "state", "tensor_map", "stream"};
constexpr const char* kBuffer[] = {"?",      "temporary", "input", "output",
                                   "weight", "derived",   "state", "constant"};
constexpr const char* kForm[] = {"?",      "x86",         "cubin",       "fatbin",      "ptx",
                                 "symbol", "cuda_source", "kernel_text", "kernel_index"};
constexpr const char* kSource[] = {"?", "input_extent", "scalar_input", "wait", "counter", "fragment"};

template <std::size_t n, class Enum>
std::string_view name_in(const char* const (&names)[n], Enum value) {
  const auto i = static_cast<std::size_t>(value);
  return names[i < n ? i : 0];
}

std::uint64_t fnv(std::string_view data) {
  std::uint64_t h = 14695981039346656037ull;
  for (const char c : data) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

// Defaults are left out; an id shows what it means; nested steps stand on lines of their own.
struct Text {
  const Program& program;
  std::string& out;
  int indent = 0;
  bool first = true;

  template <class T>
  void operator()(int, const char* name, const T& value) {
    std::string s;
    Text{program, s, indent}.put(value);
    if (s.empty() || s == "0" || s == "[]" || s == "\"\"" || s == "_" || s == "nothing()" ||
        s == "4294967295")
      return;
    out += (first ? "" : " ") + std::string(name) + "=" + s;
    first = false;
  }
  void put(const Dim& dim) { out += dim.postfix(); }
  void put(DimId id) {
    out += !id ? "_" : "{" + (id.index < program.dims.size() ? program.dims[id.index].postfix() : "?") + "}";
  }
  void put(BufferId id) { out += id ? fmt::format("%{}", id.index) : "_"; }
  void put(CodeId id) {
    out += !id ? "_" : "@" + (id.index < program.codes.size() ? program.codes[id.index].entry : "?");
  }
  void put(SymbolId id) {
    out += !id ? "_" : id.index < program.symbols.size() ? program.symbols[id.index].symbol.name : "?";
  }
  template <class Tag>
  void put(Id<Tag> id) {
    out += id ? fmt::format("#{}", id.index) : "_";
  }
  void put(DType dtype) { out += static_cast<int>(dtype) ? std::string(name(dtype)) : ""; }
  void put(Access v) { out += name_in(kAccess, v); }
  void put(Argument::Kind v) { out += name_in(kArgument, v); }
  void put(Buffer::Kind v) { out += name_in(kBuffer, v); }
  void put(Image::Form v) { out += name_in(kForm, v); }
  void put(SymbolDef::Source v) { out += name_in(kSource, v); }
  void put(double v) { out += fmt::format("{}", v); }
  template <Number T>
  void put(T v) {
    out += fmt::format("{}", static_cast<std::int64_t>(v));
  }
  void put(const std::string& s) {
    if (s.size() > 64) {
      out += fmt::format("\"<{} bytes {:016x}>\"", s.size(), fnv(s));
      return;
    }
    out += '"';
    for (const char c : s) {
      if (c == '\n')
        out += "\\n";
      else if (c == '"' || c == '\\')
        out += {'\\', c};
      else if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126)
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      else
        out += c;
    }
    out += '"';
  }
  template <class T>
  void put(const std::vector<T>& items) {
    out += "[";
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i) out += ", ";
      put(items[i]);
    }
    out += "]";
  }
  void put(const std::vector<Step>& steps) {
    if (steps.empty()) return;
    out += "[\n";
    for (const Step& step : steps) {
      out.append(static_cast<std::size_t>(indent + 2), ' ');
      Text text{program, out, indent + 2};
      Step::fields(step, text);
      out += "\n";
    }
    out.append(static_cast<std::size_t>(indent), ' ');
    out += "]";
  }
  void put(const Step::Body& body) {
    out += std::string(kBodyNames[body.index()]) + "(";
    std::visit([&](const auto& b) { put_fields(b); }, body);
    out += ")";
  }
  template <HasFields T>
  void put(const T& record) {
    out += "<";
    put_fields(record);
    out += ">";
  }
  template <class T>
  void put_fields(const T& record) {
    if constexpr (HasFields<T>) {
      Text text{program, out, indent};
      T::fields(record, text);
    }
  }
};
}  // namespace

std::string_view name(Image::Form form) { return name_in(kForm, form); }

std::string print(const Program& program) {
  std::string out = "program target=\"" + program.target + "\"\n";
  const auto section = [&](const char* name, const auto& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      out += fmt::format("{}{} ", name, i);
      Text{program, out}.put(items[i]);
      out += "\n";
    }
  };
  section("symbol ", program.symbols), section("dim ", program.dims), section("buffer %", program.buffers);
  section("code @", program.codes), section("state #", program.states), section("map #", program.maps);
  section("requirement ", program.requirements), section("tuning ", program.tuning);
  section("blob ", program.blobs);
  for (std::size_t i = 1; i < program.lines.size(); ++i)
    out += fmt::format("line {} {}\n", i, program.lines[i]);
  const auto list = [&](const char* name, const std::vector<Step>& steps) {
    if (steps.empty()) return;
    out += std::string(name) + " ";
    Text{program, out}.put(steps);
    out += "\n";
  };
  list("prepare", program.prepare), list("init", program.init), list("steps", program.steps);
  return out;
}

}  // namespace intarsia::runtime
