#include "runtime/step_runner.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/convert.h"

namespace intarsia::runtime {
namespace {

std::string where(const Prepared& p, const Step& step) {
  const std::string& line = p.program.lines[step.line];
  return line.empty() ? step.name : line + ": " + step.name;
}

// The bits of `v` as a `dtype`; false where it does not fit.
bool convert(std::int64_t v, DType dtype, std::uint64_t& out) {
  const int width = bits(dtype);
  if (is_float(dtype)) {
    out = bits_from_float(dtype, static_cast<double>(v));
    return true;
  }
  if (dtype == DType::kBool) {
    out = static_cast<std::uint64_t>(v != 0);
    return true;
  }
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  out = static_cast<std::uint64_t>(v) & mask;
  if (is_signed_int(dtype))
    return width == 64 || (v >= -(std::int64_t{1} << (width - 1)) && v < std::int64_t{1} << (width - 1));
  return v >= 0 && static_cast<std::uint64_t>(v) == out;
}
}  // namespace

void StepRunner::list(const PreparedSteps& steps) {
  for (const PreparedStep& step : steps) {
    const Step::Body& body = step.step->body;
    switch (body.index()) {
      case 1: launch(step, std::get<1>(body)); break;
      case 2: memset(step, std::get<2>(body)); break;
      case 3: copy(step, std::get<3>(body)); break;
      case 4: call(step, std::get<4>(body)); break;
      case 5: wait(step, std::get<5>(body)); break;
      case 6: choose(step, std::get<6>(body)); break;
      case 7: loop(step, std::get<7>(body)); break;
      default: break;
    }
  }
}

void* StepRunner::address(const PlacedArgument& a) const {
  const std::int64_t offset = a.slot == UINT32_MAX ? 0 : c_.slots_[a.slot];
  return static_cast<char*>(c_.addresses_[a.buffer]) + offset;
}

std::int64_t StepRunner::bytes_left(const PlacedArgument& a) const {
  const Buffer& b = p_.program.buffers[a.buffer];
  std::int64_t bytes = 0;
  if (b.bytes) {
    bytes = value(b.bytes);
  } else {
    std::int64_t count = 1;
    for (const DimId d : b.shape) count *= value(d);
    bytes = checked_bytes(b.dtype, count);
  }
  return bytes - (a.slot == UINT32_MAX ? 0 : c_.slots_[a.slot]);
}

std::uint64_t StepRunner::bits_of(const PreparedStep& step, const PlacedArgument& a) const {
  using Kind = Argument::Kind;
  switch (a.kind) {
    case Kind::kBuffer: return reinterpret_cast<std::uint64_t>(address(a));
    case Kind::kConstant: return a.constant;
    case Kind::kScalar:
      if (a.constant >= c_.scalars_.size())
        throw UserError(fmt::format("{}: scalar {} ('{}') is not given", where(p_, *step.step), a.constant,
                                    a.source->name));
      return c_.scalars_[a.constant];
    case Kind::kBytes: return reinterpret_cast<std::uint64_t>(a.source->bytes.data());
    case Kind::kStream: return reinterpret_cast<std::uint64_t>(c_.stream_);
    case Kind::kDim: break;
    default: return 0;
  }
  std::uint64_t out = 0;
  const std::int64_t v = c_.slots_[a.slot];
  if (!convert(v, a.dtype, out))
    throw UserError(fmt::format(
        "{}: argument '{}' is {}, which does not fit its type {}; declare the parameter with 64 bits",
        where(p_, *step.step), a.source->name, v, name(a.dtype)));
  return out;
}

void StepRunner::fill_places(const PreparedStep& step) {
  const std::size_t count = step.arguments.size();
  c_.places_.resize(count + 3), c_.sizes_.resize(count), c_.uses_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const PlacedArgument& a = step.arguments[i];
    c_.places_[i] = bits_of(step, a);
    c_.sizes_[i] = a.bytes;
    if (a.kind == Argument::Kind::kBytes && a.bytes <= 8) {
      c_.places_[i] = 0;
      std::memcpy(&c_.places_[i], a.source->bytes.data(), a.bytes);
    }
    if (a.kind == Argument::Kind::kBuffer)
      c_.uses_.push_back({reinterpret_cast<void*>(c_.places_[i]), bytes_left(a), a.access});
  }
}

Geometry StepRunner::geometry(const PreparedStep& step, const Launch& body, bool& empty) const {
  Geometry g;
  empty = false;
  const auto read = [&](const std::vector<DimId>& from, std::array<std::int64_t, 3>& to, const char* what) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      to[i] = value(from[i]);
      if (to[i] < 0)
        throw UserError(fmt::format("{}: {} extent {} is {}", where(p_, *step.step), what, i, to[i]));
    }
  };
  read(body.grid, g.grid, "grid"), read(body.block, g.block, "block"),
      read(body.cluster, g.cluster, "cluster");
  for (const std::int64_t e : g.grid) empty = empty || e == 0;
  if (empty) return g;
  const Limits& limits = p_.device->limits();
  std::int64_t programs = 1, threads = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    const bool fits = !__builtin_mul_overflow(programs, g.grid[i], &programs) && g.grid[i] <= limits.grid[i];
    if (!fits)
      throw UserError(fmt::format("{}: a grid of {} x {} x {} exceeds what {} can launch",
                                  where(p_, *step.step), g.grid[0], g.grid[1], g.grid[2], p_.device->name()));
    if (g.block[i] == 0) throw UserError(fmt::format("{}: a block has 0 threads", where(p_, *step.step)));
    const bool small =
        !__builtin_mul_overflow(threads, g.block[i], &threads) && g.block[i] <= limits.block[i];
    if (!small || threads > limits.threads)
      throw UserError(fmt::format("{}: a block of {} x {} x {} threads, at most {} are possible on {}",
                                  where(p_, *step.step), g.block[0], g.block[1], g.block[2], limits.threads,
                                  p_.device->name()));
  }
  g.shared_bytes = body.shared_bytes ? value(body.shared_bytes) : 0;
  g.flags = body.flags;
  if (g.shared_bytes < 0 || g.shared_bytes > limits.shared_bytes)
    throw UserError(fmt::format("{}: {} bytes of shared memory, {} has {}", where(p_, *step.step),
                                g.shared_bytes, p_.device->name(), limits.shared_bytes));
  return g;
}

void StepRunner::launch(const PreparedStep& step, const Launch& body) {
  bool empty = false;
  const Geometry g = geometry(step, body, empty);
  if (empty) return;
  fill_places(step);
  p_.device->launch({*p_.codes[body.code.index], step.step->name, g, c_.places_, c_.sizes_, c_.uses_},
                    c_.stream_);
}

void StepRunner::memset(const PreparedStep& step, const Memset& body) {
  const std::int64_t bytes = value(body.bytes);
  if (bytes > 0)
    p_.device->memset(address(step.arguments[0]), body.pattern, body.width, static_cast<std::size_t>(bytes),
                      c_.stream_);
}

void StepRunner::copy(const PreparedStep& step, const Copy& body) {
  const void* from = address(step.arguments[0]);
  void* to = address(step.arguments[1]);
  const std::int64_t bytes = value(body.bytes);
  if (bytes <= 0) return;
  if (!body.rows) return p_.device->copy(to, from, static_cast<std::size_t>(bytes), c_.stream_);
  p_.device->copy_rows(to, value(body.to_pitch), from, value(body.from_pitch), bytes, value(body.rows),
                       c_.stream_);
}

void StepRunner::call(const PreparedStep& step, const Call& body) {
  std::vector<CallArgument> arguments;
  std::vector<std::vector<std::int64_t>> extents;
  extents.reserve(step.arguments.size());
  for (const PlacedArgument& a : step.arguments) {
    CallArgument out{a.kind, a.access, a.dtype, a.source->name};
    out.bits = bits_of(step, a);
    out.bytes = a.bytes;
    if (a.kind == Argument::Kind::kBytes) out.data = const_cast<char*>(a.source->bytes.data());
    if (a.kind == Argument::Kind::kBuffer) {
      const Buffer& b = p_.program.buffers[a.buffer];
      extents.emplace_back();
      for (const DimId d : b.shape) extents.back().push_back(value(d));
      out.data = address(a), out.bytes = bytes_left(a), out.extents = extents.back();
      out.dtype = is_known(b.dtype) ? b.dtype : a.dtype;
    }
    arguments.push_back(out);
  }
  (*p_.functions.find(body.library, body.function))({*step.step, body, arguments, *p_.device, c_.stream_});
}

void StepRunner::wait(const PreparedStep& step, const Wait& body) {
  p_.device->synchronize(c_.stream_);
  for (std::size_t i = 0; i < body.reads.size(); ++i) {
    const Read& read = body.reads[i];
    std::uint64_t raw = 0;
    const auto width = static_cast<std::size_t>(bits(read.from.dtype) / 8);
    p_.device->copy(&raw, address(step.arguments[i]), width, c_.stream_);
    p_.device->synchronize(c_.stream_);
    const std::int64_t v =
        read.from.dtype == DType::kI32 ? static_cast<std::int32_t>(raw) : static_cast<std::int64_t>(raw);
    const std::int64_t upper = value(read.upper);
    if (v < 0 || v > upper)
      throw UserError(fmt::format("{}: the step says that dimension {} is {}; it must lie in 0..{}",
                                  where(p_, *step.step), p_.program.symbols[read.symbol.index].symbol.name, v,
                                  upper));
    c_.slots_[read.symbol.index] = v;
  }
  c_.solved_ = false;  // the next call starts from the upper bounds again
  p_.dims.evaluate(c_.slots_);
}

void StepRunner::choose(const PreparedStep& step, const Choose& body) {
  for (const auto& [record, alternative] : step.tuned)
    if (all_hold(p_, p_.program.tuning[record].holds, c_.slots_) &&
        all_hold(p_, body.alternatives[alternative].guard, c_.slots_))
      return list(step.lists[alternative]);
  for (std::size_t i = 0; i < body.alternatives.size(); ++i)
    if (all_hold(p_, body.alternatives[i].guard, c_.slots_)) return list(step.lists[i]);
  std::string dims;
  for (std::size_t i = 0; i < p_.program.symbols.size(); ++i)
    dims += fmt::format("{}{} = {}", i ? ", " : "", p_.program.symbols[i].symbol.name, c_.slots_[i]);
  throw UserError(
      fmt::format("{}: no alternative is made for these extents ({})", where(p_, *step.step), dims));
}

void StepRunner::loop(const PreparedStep& step, const While& body) {
  const auto count = [&](std::int64_t n) {
    if (!body.counter) return;
    c_.slots_[body.counter.index] = n;
    c_.solved_ = false;
    p_.dims.evaluate(c_.slots_);
  };
  count(0);
  for (std::int64_t n = 1;; ++n) {
    list(step.lists[0]);
    if (!all_hold(p_, body.again, c_.slots_)) return;
    list(step.lists[1]);
    for (const Swap& s : body.swaps) std::swap(c_.addresses_[s.a.index], c_.addresses_[s.b.index]);
    if (!body.swaps.empty()) c_.place_inside();
    count(n);
  }
}

}  // namespace intarsia::runtime
