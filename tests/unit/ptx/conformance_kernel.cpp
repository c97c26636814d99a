#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "conformance.h"
#include "support.h"

namespace intarsia::ptx::test {
namespace {

// "7", "0x1f", "0..31", "32*5", "*", "nan".
void append(std::vector<Expected>& out, const std::string& word) {
  if (word == "*") return out.push_back({Expected::Kind::kAny, 0});
  if (word == "nan") return out.push_back({Expected::Kind::kNan, 0});
  if (const std::size_t dots = word.find(".."); dots != std::string::npos) {
    const std::uint64_t last = std::stoull(word.substr(dots + 2), nullptr, 0);
    for (std::uint64_t v = std::stoull(word.substr(0, dots), nullptr, 0); v <= last; ++v)
      out.push_back({Expected::Kind::kBits, v});
    return;
  }
  if (const std::size_t times = word.find('*'); times != std::string::npos) {
    for (std::uint64_t i = std::stoull(word.substr(0, times)); i > 0; --i)
      append(out, word.substr(times + 1));
    return;
  }
  out.push_back({Expected::Kind::kBits, std::stoull(word, nullptr, 0)});
}

std::array<std::uint32_t, 3> triple(std::istringstream& in) {
  std::array<std::uint32_t, 3> out = {1, 1, 1};
  for (std::uint32_t& v : out)
    if (!(in >> v)) break;
  return out;
}

template <class T>
std::vector<T> list(const std::string& text) {  // "8,4"
  std::istringstream in(text);
  std::vector<T> out;
  for (std::string part; std::getline(in, part, ',');) out.push_back(static_cast<T>(std::stoll(part)));
  return out;
}

void read_map(KernelCase& c, std::istringstream& in) {
  std::string memory, type, shape, box;
  in >> memory >> type >> shape >> box >> box;
  TensorMapSpec& spec = c.map.emplace();
  c.map_of_out = memory == "out";
  spec.type = type == "f32" ? TensorMapType::kF32 : TensorMapType::kU32;
  spec.shape = list<std::int64_t>(shape);
  spec.box = list<std::int32_t>(box);
  std::int64_t bytes = 4;
  for (std::size_t i = 0; i + 1 < spec.shape.size(); ++i) spec.strides.push_back(bytes *= spec.shape[i]);
}

void directive(KernelCase& c, const std::string& line) {
  std::istringstream in(line);
  std::string key, word;
  in >> key;
  if (key == "grid") c.config.grid = triple(in);
  if (key == "block") c.config.block = triple(in);
  if (key == "cluster") c.config.cluster = triple(in);
  if (key == "shared") in >> c.config.shared_bytes;
  if (key == "map") read_map(c, in);
  if (key == "arch") {
    int architecture = 0;
    in >> architecture;
    c.config.device = device_of(architecture);
  }
  std::vector<Expected> values;
  while ((key == "in" || key == "out") && in >> word) append(values, word);
  for (const Expected& v : values) {
    if (key == "in") c.in.push_back(static_cast<std::uint32_t>(v.bits));
    if (key == "out") c.out.push_back(v);
  }
  while (key == "reports" && in >> word) c.reports.push_back(word);
}

struct alignas(16) Line {
  std::array<std::uint32_t, 4> words{};
};

std::string check_reports(const KernelCase& c, const LaunchResult& result) {
  std::string all;
  std::vector<std::string> got;
  for (const Report& r : result.reports) {
    std::string kind(name(r.kind));
    std::replace(kind.begin(), kind.end(), ' ', '-');
    got.push_back(fmt::format("{}@{}", kind, r.line));
    all += r.text() + "\n";
  }
  return got == c.reports ? "" : "its reports are\n" + (all.empty() ? "none" : all);
}

}  // namespace

KernelCase read_kernel(const std::filesystem::path& path) {
  KernelCase c;
  std::ifstream in(path);
  c.text = {std::istreambuf_iterator<char>(in), {}};
  std::istringstream lines(c.text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("//! ")) directive(c, line.substr(4));
  c.config.max_steps = 1 << 22;
  return c;
}

// Registers, parameters and moves without types, as LLVM writes them; what extends a sign keeps its type.
std::string untyped(std::string text) {
  text = std::regex_replace(text, std::regex(R"(\.(reg|param) \.[usf](16|32|64)\b)"), ".$1 .b$2");
  text = std::regex_replace(text, std::regex(R"(\b(ld|st|mov)((?:\.[A-Za-z_:0-9]+)*)\.[uf](16|32|64)\b)"),
                            "$1$2.b$3");
  return std::regex_replace(text, std::regex(R"(\b(ld|st|mov)((?:\.[A-Za-z_:0-9]+)*)\.s(64)\b)"), "$1$2.b$3");
}

namespace {
std::string failure_of(const KernelCase& c, const std::string& text, bool chains) {
  std::vector<Line> in_lines(c.in.size() / 4 + 1), out_lines(c.out.size() / 4 + 1);  // maps want them aligned
  const std::span<std::uint32_t> in(in_lines[0].words.data(), c.in.size());
  const std::span<std::uint32_t> out(out_lines[0].words.data(), c.out.size());
  std::copy(c.in.begin(), c.in.end(), in.begin());
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(in.data()),
                                  reinterpret_cast<std::uint64_t>(out.data())};
  std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  TensorMap map;
  if (c.map) {
    TensorMapSpec spec = *c.map;
    spec.data = c.map_of_out ? out.data() : in.data();
    map = encode_tensor_map(spec);
    arguments.push_back({map.bytes.data(), 128});
  }
  const std::vector<Buffer> buffers{{in.data(), static_cast<std::int64_t>(in.size_bytes()), true, "in"},
                                    {out.data(), static_cast<std::int64_t>(out.size_bytes()), true, "out"}};
  LaunchConfig config = c.config;
  config.chains = chains;
  config.buffers = buffers;
  const LaunchResult result = run(Program(parse(text, "case.ptx"), "k"), config, arguments);
  if (std::string wrong = check_reports(c, result); !wrong.empty()) return wrong;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (c.out[i].kind == Expected::Kind::kBits && out[i] != c.out[i].bits)
      return fmt::format("out[{}] is {:#x}, expected {:#x}", i, out[i], c.out[i].bits);
  return "";
}

}  // namespace

std::string failure_of(const KernelCase& c, Dialect dialect) {
  const std::string text = dialect == Dialect::kTyped ? c.text : untyped(c.text);
  const std::string wrong = failure_of(c, text, true);
  return wrong.empty() ? failure_of(c, text, false) : wrong;
}

}  // namespace intarsia::ptx::test
