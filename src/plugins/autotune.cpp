#include "plugins/autotune.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "plugins/names.h"

namespace intarsia::plugins {
namespace {

struct TrtType {
  std::string_view trt;
  DType dtype;
};
constexpr TrtType kTrtTypes[] = {
    {"FP32", DType::kF32},  {"FP16", DType::kF16}, {"FLOAT", DType::kF32},  {"HALF", DType::kF16},
    {"BF16", DType::kBF16}, {"INT8", DType::kI8},  {"INT32", DType::kI32},  {"INT64", DType::kI64},
    {"BOOL", DType::kBool}, {"UINT8", DType::kU8}, {"FP8", DType::kF8E4M3}, {"INT4", DType::kI4},
};
// In TensorRT's list, but not among our dtypes.
constexpr std::string_view kForeignTypes[] = {"FP4", "E8M0"};
constexpr std::string_view kLayouts[] = {"LINEAR",   "CHW2",  "HWC8",   "CHW4", "CHW16",
                                         "CHW32",    "DHWC8", "CDHW32", "HWC",  "DLA_LINEAR",
                                         "DLA_HWC4", "HWC16", "DHWC"};

[[noreturn]] void fail(std::string_view what, std::string_view text, std::size_t at, const std::string& why) {
  throw UserError(fmt::format("{}, column {}: {}\n  {}\n  {:>{}}", what, at + 1, why, text, "^", at + 1));
}

struct Alternatives {
  std::vector<std::string> names;
  char separator = 0;  // '|', '*', or 0 for one name
  std::size_t column = 0;
};

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void check_type(std::string_view what, std::string_view text, std::size_t at, const std::string& name) {
  if (dtype_of_trt(name) != DType{0}) return;
  if (std::find(std::begin(kForeignTypes), std::end(kForeignTypes), name) != std::end(kForeignTypes))
    fail(what, text, at, "there is no dtype " + name + " here");
  std::vector<std::string> known;
  for (const TrtType& t : kTrtTypes) known.emplace_back(t.trt);
  for (int i = 1; i < 18; ++i) known.emplace_back(intarsia::name(static_cast<DType>(i)));
  fail(what, text, at, "unknown dtype '" + name + "'" + suggestion(name, known));
}

void check_layout(std::string_view what, std::string_view text, std::size_t at, const std::string& name) {
  if (std::find(std::begin(kLayouts), std::end(kLayouts), name) != std::end(kLayouts)) return;
  const std::vector<std::string> known(std::begin(kLayouts), std::end(kLayouts));
  fail(what, text, at, "unknown layout '" + name + "'" + suggestion(name, known));
}

template <class Check>
std::vector<Alternatives> parse(std::string_view what, std::string_view text, Check check_name) {
  std::vector<Alternatives> out(1);
  std::size_t i = 0;
  const auto skip = [&] {
    while (i < text.size() && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n')) ++i;
  };
  while (true) {
    skip();
    const std::size_t begin = i;
    while (i < text.size() && is_name(text[i])) ++i;
    if (i == begin)
      fail(what, text, begin,
           i < text.size() ? fmt::format("a name was expected, not '{}'", text[i]) : "a name was expected");
    if (out.back().names.empty()) out.back().column = begin;
    out.back().names.emplace_back(text.substr(begin, i - begin));
    check_name(what, text, begin, out.back().names.back());
    skip();
    if (i == text.size()) return out;
    const char c = text[i];
    if (c == ',') {
      out.emplace_back();
    } else if (c != '|' && c != '*') {
      fail(what, text, i, fmt::format("',', '|' or '*' was expected, not '{}'", c));
    } else if (out.back().separator != 0 && out.back().separator != c) {
      fail(what, text, i, "'|' and '*' do not stand in one entry");
    } else {
      out.back().separator = c;
    }
    ++i;
  }
}

// Lists of one name per entry. The group of "|" entries is one digit of a mixed-radix number, each "*" entry
// another; the first digit is the slowest.
std::vector<std::vector<std::string>> multiply(std::string_view what, std::string_view text,
                                               const std::vector<Alternatives>& entries) {
  std::vector<std::size_t> digit(entries.size(), SIZE_MAX), radix;
  std::size_t together = SIZE_MAX;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    const Alternatives& entry = entries[e];
    if (entry.separator == 0) continue;
    if (entry.separator == '*' || together == SIZE_MAX) {
      digit[e] = radix.size(), radix.push_back(entry.names.size());
      if (entry.separator == '|') together = digit[e];
    } else if (radix[together] != entry.names.size()) {
      fail(what, text, entry.column,
           fmt::format("{} alternatives stand beside {}; '|' takes the k-th of every entry together",
                       entry.names.size(), radix[together]));
    } else {
      digit[e] = together;
    }
  }
  std::size_t count = 1;
  for (std::size_t r : radix)
    if ((count *= r) > 65536) fail(what, text, 0, "more than 65536 combinations");
  std::vector<std::vector<std::string>> out(count);
  for (std::size_t n = 0; n < count; ++n) {
    std::vector<std::size_t> place(radix.size());
    std::size_t rest = n;
    for (std::size_t r = radix.size(); r-- > 0; rest /= radix[r]) place[r] = rest % radix[r];
    for (std::size_t e = 0; e < entries.size(); ++e)
      out[n].push_back(entries[e].names[digit[e] == SIZE_MAX ? 0 : place[digit[e]]]);
  }
  return out;
}

void check_tactics(std::span<const std::int64_t> ids) {
  std::set<std::int64_t> seen;
  for (std::int64_t id : ids) {
    if (id <= 0)
      throw UserError(fmt::format("tactic {}: a tactic is a positive number (0 means the default)", id));
    if (!seen.insert(id).second) throw UserError(fmt::format("tactic {} is given twice", id));
  }
}

}  // namespace

DType dtype_of_trt(std::string_view name) {
  for (const TrtType& t : kTrtTypes)
    if (t.trt == name) return t.dtype;
  return dtype_named(name);
}

std::string_view trt_name(DType dtype) {
  for (const TrtType& t : kTrtTypes)
    if (t.dtype == dtype) return t.trt;
  return {};
}

AutoTuneCombination::AutoTuneCombination(std::string io_types, std::string layouts,
                                         std::vector<std::int64_t> tactics)
    : io_types_(std::move(io_types)), layouts_(std::move(layouts)) {
  if (!io_types_.empty()) parse("io_types", io_types_, check_type);
  parse("layouts", layouts_, check_layout);
  this->tactics(std::move(tactics));
}

AutoTuneCombination& AutoTuneCombination::pos(std::span<const std::int64_t> ports, std::string_view io_types,
                                              std::string_view layouts) {
  if (!io_types_.empty()) throw UserError("pos() after io_types for all ports; give one or the other");
  if (parse("io_types", io_types, check_type).size() != 1)
    throw UserError("pos() takes the dtypes of one port, without ','");
  if (parse("layouts", layouts, check_layout).size() != 1)
    throw UserError("pos() takes the layouts of one port, without ','");
  for (std::int64_t port : ports) {
    if (port < 0) throw UserError(fmt::format("port {}: ports count from 0, inputs, then outputs", port));
    for (const auto& [there, entry] : entries_)
      if (there == port) throw UserError(fmt::format("port {} is given twice", port));
    entries_.push_back({port, {std::string(io_types), std::string(layouts)}});
  }
  return *this;
}

AutoTuneCombination& AutoTuneCombination::tactics(std::vector<std::int64_t> ids) {
  check_tactics(ids);
  tactics_ = std::move(ids);
  return *this;
}

std::vector<TunedPorts> AutoTuneCombination::expand(std::size_t inputs, std::size_t outputs) const {
  const std::size_t ports = inputs + outputs;
  std::string types = io_types_, layouts = layouts_;
  if (!entries_.empty()) {
    types.clear(), layouts.clear();
    for (std::size_t p = 0; p < ports; ++p) {
      const auto at = std::find_if(entries_.begin(), entries_.end(),
                                   [&](const auto& e) { return e.first == static_cast<std::int64_t>(p); });
      if (at == entries_.end())
        throw UserError(
            fmt::format("port {} has no entry; the plugin has {} inputs and {} outputs", p, inputs, outputs));
      types += (p ? ", " : "") + at->second.types, layouts += (p ? ", " : "") + at->second.layouts;
    }
    for (const auto& [port, entry] : entries_)
      if (port >= static_cast<std::int64_t>(ports))
        throw UserError(
            fmt::format("port {}: the plugin has {} inputs and {} outputs", port, inputs, outputs));
  }
  const auto per_port = [&](std::string_view what, std::string_view text, std::vector<Alternatives> entries,
                            bool one_serves_all) {
    if (one_serves_all && entries.size() == 1) entries.resize(ports, Alternatives(entries[0]));
    if (entries.size() != ports)
      fail(what, text, entries.size() > ports ? entries[ports].column : text.size(),
           fmt::format("{} entries for {} inputs and {} outputs", entries.size(), inputs, outputs));
    return multiply(what, text, entries);
  };
  std::vector<std::vector<std::string>> type_lists = {{}};
  if (!types.empty()) type_lists = per_port("io_types", types, parse("io_types", types, check_type), false);
  const auto layout_lists = per_port("layouts", layouts, parse("layouts", layouts, check_layout), true);
  std::vector<TunedPorts> out;
  for (const auto& t : type_lists)
    for (const auto& l : layout_lists) {
      TunedPorts one{{}, tactics_};
      for (std::size_t p = 0; p < ports; ++p)
        one.ports.push_back({t.empty() ? DType{0} : dtype_of_trt(t[p]), l[p]});
      out.push_back(std::move(one));
    }
  return out;
}

std::vector<TunedPorts> expand(std::span<const AutoTuneCombination> combinations, std::size_t inputs,
                               std::size_t outputs) {
  std::vector<TunedPorts> out;
  for (const AutoTuneCombination& c : combinations)
    for (TunedPorts& one : c.expand(inputs, outputs)) {
      const auto same =
          std::find_if(out.begin(), out.end(), [&](const TunedPorts& o) { return o.ports == one.ports; });
      if (same == out.end()) {
        out.push_back(std::move(one));
        continue;
      }
      for (std::int64_t t : one.tactics)
        if (std::find(same->tactics.begin(), same->tactics.end(), t) == same->tactics.end())
          same->tactics.push_back(t);
    }
  return out;
}

}  // namespace intarsia::plugins
