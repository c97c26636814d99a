#include "ptx/system.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "ptx/memory.h"

namespace intarsia::ptx {
namespace {

// Reads memory for the system's own functions: unchecked beyond what `resolve` checks.
bool read_bytes(Warp& warp, const Decoded& in, int lane, U64 address, void* to, U32 bytes) {
  Access access;
  std::fill_n(access.address, kLanes, address);
  access.mask = U32{1} << lane;
  access.reads = true;
  access.bytes = 1;
  for (U32 i = 0; i < bytes; ++i) {
    std::fill_n(access.address, kLanes, address + i);
    resolve(warp, in, Space::kGeneric, access);
    if (access.mask == 0) return false;
    std::memcpy(static_cast<char*>(to) + i, reinterpret_cast<const void*>(access.address[lane]), 1);
  }
  return true;
}

std::string read_string(Warp& warp, const Decoded& in, int lane, U64 address) {
  std::string out;
  for (char c = 0; out.size() < 4096 && read_bytes(warp, in, lane, address + out.size(), &c, 1) && c != 0;)
    out += c;
  return out;
}

template <class T>
T argument(const Warp& warp, const CallSite& site, std::size_t index, int lane) {
  T value{};
  if (index < site.params.size())
    std::memcpy(&value,
                warp.frame->registers + site.params[index].from.value +
                    static_cast<U32>(lane) * site.params[index].bytes,
                std::min<std::size_t>(sizeof value, site.params[index].bytes));
  return value;
}

template <class T>
void answer(Warp& warp, const CallSite& site, int lane, T value) {
  if (!site.returns.empty())
    std::memcpy(
        warp.frame->registers + site.returns[0].from.value + static_cast<U32>(lane) * site.returns[0].bytes,
        &value, std::min<std::size_t>(sizeof value, site.returns[0].bytes));
}

template <class T>
std::string printed(const std::string& spec, T value) {
  char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
  const int n = std::snprintf(text, sizeof text, spec.c_str(), value);
#pragma GCC diagnostic pop
  return {text, static_cast<std::size_t>(std::min<int>(std::max(n, 0), sizeof text - 1))};
}

// One conversion of a format; the buffer holds each value aligned to its size, as CUDA lays it out.
class Formatter {
 public:
  Formatter(Warp& warp, const Decoded& in, int lane, U64 buffer)
      : warp_(warp), in_(in), lane_(lane), at_(buffer) {}

  S32 taken() const { return taken_; }  // arguments so far

  std::string run(const std::string& format) {
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%') {
        out += format[i];
        continue;
      }
      std::size_t end = i + 1;
      while (end < format.size() &&
             std::string_view("-+ #0123456789.hlLqjzt*").find(format[end]) != std::string_view::npos)
        ++end;
      if (end >= format.size()) break;
      if (format[end] == '%')
        out += '%';
      else
        out += conversion(format.substr(i, end - i), format[end]);
      i = end;
    }
    return out;
  }

 private:
  template <class T>
  T take() {
    at_ = (at_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    T value{};
    read_bytes(warp_, in_, lane_, at_, &value, sizeof value);
    at_ += sizeof(T);
    ++taken_;
    return value;
  }

  // An int as the length modifiers narrow it.
  template <class Narrow, class Narrowest, class Wide>
  static Wide narrowed(std::ptrdiff_t halvings, Wide value) {
    if (halvings == 0) return value;
    return halvings == 1 ? static_cast<Narrow>(value) : static_cast<Narrowest>(value);
  }

  std::string conversion(std::string spec, char kind) {
    std::string flags;
    const std::ptrdiff_t halvings = std::count(spec.begin(), spec.end(), 'h');
    const bool wide = spec.find("ll") != std::string::npos || spec.find('l') != std::string::npos ||
                      spec.find('j') != std::string::npos || spec.find('z') != std::string::npos ||
                      spec.find('t') != std::string::npos;
    for (char c : spec) {
      if (c == '*')
        flags += fmt::format("{}", take<S32>());
      else if (std::string_view("hlLqjzt").find(c) == std::string_view::npos)
        flags += c;
    }
    switch (kind) {
      case 'd':
      case 'i':
        return wide ? printed(flags + "lld", static_cast<long long>(take<S64>()))
                    : printed(flags + "d", narrowed<S16, S8>(halvings, take<S32>()));
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return wide ? printed(flags + "ll" + kind, static_cast<unsigned long long>(take<U64>()))
                    : printed(flags + kind, narrowed<U16, U8>(halvings, take<U32>()));
      case 'c': return printed(flags + 'c', static_cast<int>(take<S32>()));
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
      case 'a':
      case 'A': return printed(flags + kind, take<double>());
      case 'p': return fmt::format("{:#x}", take<U64>());
      case 's': return printed(flags + 's', read_string(warp_, in_, lane_, take<U64>()).c_str());
      default: return spec + kind;
    }
  }

  Warp& warp_;
  const Decoded& in_;
  int lane_;
  U64 at_;
  S32 taken_ = 0;
};

void print(Warp& warp, const Decoded& in, const CallSite& site, int lane) {
  const std::string format = read_string(warp, in, lane, argument<U64>(warp, site, 0, lane));
  Formatter formatter(warp, in, lane, argument<U64>(warp, site, 1, lane));
  const std::string text = formatter.run(format);
  auto& all = warp.block->worker->printed;
  if (all.empty() || all.back().first != warp.block->linear)
    all.emplace_back(warp.block->linear, std::string());
  all.back().second += text;
  answer(warp, site, lane, formatter.taken());
}

Flow assertion(Warp& warp, const Decoded& in, U32 mask, const CallSite& site) {
  const int lane = std::countr_zero(mask);
  report(warp, in, Report::Kind::kAssert, mask,
         fmt::format("assertion `{}` failed in {}, {}:{}",
                     read_string(warp, in, lane, argument<U64>(warp, site, 0, lane)),
                     read_string(warp, in, lane, argument<U64>(warp, site, 3, lane)),
                     read_string(warp, in, lane, argument<U64>(warp, site, 1, lane)),
                     argument<U32>(warp, site, 2, lane)));
  warp.block->worker->stop = true;
  return leave(warp, in, mask);
}

}  // namespace

CallSite::System system_function(std::string_view name) {
  if (name == "vprintf") return CallSite::System::kPrintf;
  if (name == "__assertfail") return CallSite::System::kAssert;
  return CallSite::System::kNone;
}

Flow call_system(Warp& warp, const Decoded& in, U32 mask, const CallSite& site) {
  if (site.system == CallSite::System::kAssert) return assertion(warp, in, mask, site);
  each_lane(mask, [&](int lane) { print(warp, in, site, lane); });
  return Flow::kNext;
}

}  // namespace intarsia::ptx
