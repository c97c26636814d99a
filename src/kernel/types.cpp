#include "kernel/types.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace intarsia::kernel {

Type block(DType dtype, std::span<const std::int64_t> extents) {
  if (extents.size() > Type::kMaxRank)
    throw UserError(
        fmt::format("a block has at most 6 axes; [{}] has {}", fmt::join(extents, ", "), extents.size()));
  Type type{.dtype = dtype, .rank = static_cast<std::uint8_t>(extents.size())};
  std::int64_t elements = 1;
  for (std::size_t a = 0; a < extents.size(); ++a) {
    if (extents[a] < 1)
      throw UserError(fmt::format("an extent of a block is at least 1; got [{}]", fmt::join(extents, ", ")));
    if (extents[a] > Type::kMaxElements || (elements *= extents[a]) > Type::kMaxElements)
      throw UserError(fmt::format("a block has at most 2^24 elements; got [{}]", fmt::join(extents, ", ")));
    type.extents[a] = static_cast<std::int32_t>(extents[a]);
  }
  return type;
}

std::int64_t count(const Type& type) {
  std::int64_t n = 1;
  for (std::int32_t e : type.shape()) n *= e;
  return n;
}

std::vector<std::int64_t> extents_of(const Type& type) { return {type.shape().begin(), type.shape().end()}; }

std::string str(const Type& type) {
  if (type.kind == Type::Kind::kToken) return "token";
  std::string text(name(type.dtype));
  if (type.kind == Type::Kind::kView) return fmt::format("view {} x{}", text, type.rank);
  if (type.kind == Type::Kind::kPointer) text = "ptr " + text;
  if (type.kind == Type::Kind::kRing) text = fmt::format("ring {} x {}", type.stages, text);
  if (type.kind == Type::Kind::kSlot) text = "slot " + text;
  if (type.rank > 0) text += fmt::format("[{}]", fmt::join(type.shape(), ", "));
  return type.layout >= 0 ? fmt::format("{} layout {}", text, type.layout) : text;
}

}  // namespace intarsia::kernel
