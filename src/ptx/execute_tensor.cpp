// cp.async.bulk.tensor: boxes of a tensor in global memory, swizzled in shared memory; and what changes a
// tensor map.
#include <fmt/format.h>

#include <cstring>

#include "ptx/bulk.h"
#include "ptx/memory.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

constexpr std::size_t kMostRowBytes = 256 * 8;
constexpr U32 kSpans[] = {0, 32, 64, 128};  // of the swizzles

using Row = std::array<std::byte, kMostRowBytes>;

// A tensor map in memory, in halves: its alignment is 64.
struct MapPlace {
  std::byte *low, *high;
};
MapPlace map_place(Warp& warp, const Decoded& in, Space space, int lane, U64 address, Use use) {
  return {resolve_one(warp, in, space, lane, address, 64, use),
          resolve_one(warp, in, space, lane, address + 64, 64, use)};
}
bool copy_map(const MapPlace& from, TensorMap& to) {
  if (from.low == nullptr || from.high == nullptr) return false;
  std::memcpy(to.bytes.data(), from.low, 64);
  std::memcpy(to.bytes.data() + 64, from.high, 64);
  return true;
}
void copy_map(const TensorMap& from, const MapPlace& to) {
  if (to.low == nullptr || to.high == nullptr) return;
  std::memcpy(to.low, from.bytes.data(), 64);
  std::memcpy(to.high, from.bytes.data() + 64, 64);
}

bool read_map(Warp& warp, const Decoded& in, int lane, U64 address, TensorMapFields& out) {
  TensorMap map;
  if (!copy_map(map_place(warp, in, Space::kGeneric, lane, address, Use::kRead), map)) return false;
  std::memcpy(&out, map.bytes.data(), sizeof out);
  if (out.valid()) return true;
  report(warp, in, Report::Kind::kAddress, U32{1} << lane,
         out.magic == TensorMapFields::kMagic
             ? "the tensor map breaks a rule of its form since tensormap.replace changed it"
             : "no tensor map of this runtime lies at this address (encode_tensor_map makes them)");
  return false;
}

// A form's number of dimensions must be the map's.
bool same_rank(Warp& warp, const Decoded& in, int lane, int given, const TensorMapFields& map) {
  if (given == map.rank) return true;
  report(warp, in, Report::Kind::kAddress, U32{1} << lane,
         fmt::format("{} coordinates for a tensor map of {} dimensions", given, map.rank));
  return false;
}

// What an H100 ends with an illegal instruction for, inside the tensor or not: a box whose rows begin between
// pieces of 16 bytes, and one that is stored from below 0 on.
bool begins_well(Warp& warp, const Decoded& in, const BulkCopy& copy) {
  const std::int64_t byte = std::int64_t{copy.at[0]} * copy.map.element_bytes();
  if (byte % 16 != 0) {
    report(warp, in, Report::Kind::kAlignment, U32{1} << copy.lane,
           fmt::format("a box from element {} of dimension 0 on, byte {}; it must begin at a multiple of 16",
                       copy.at[0], byte));
    return false;
  }
  if (!copy.to_global) return true;
  for (std::size_t d = 0; d < copy.map.rank; ++d)
    if (copy.at[d] < 0) {
      report(warp, in, Report::Kind::kAddress, U32{1} << copy.lane,
             fmt::format("a box stored from element {} of dimension {} on; only loads may begin below 0",
                         copy.at[d], d));
      return false;
    }
  return true;
}

// r: shared address, tensor map, -, mbarrier, mask of blocks; the coordinates at in.extra.
Flow tensor(Warp& warp, const Decoded& in, U32 mask) {
  const Ref* coordinates = warp.frame->code->refs.data() + in.extra;
  each_lane(mask, [&](int l) {
    BulkCopy copy = begin_copy(warp, in, l);
    copy.kind = BulkCopy::Kind::kTensor;
    const U64 shared = bulk_address(warp, in, 0, l);
    if (!read_map(warp, in, l, bulk_address(warp, in, 1, l), copy.map)) return;
    if (!same_rank(warp, in, l, BulkDetail::of(in.immediate).count, copy.map)) return;
    for (std::size_t d = 0; d < copy.map.rank; ++d) copy.at[d] = warp.at<const S32>(coordinates[d])[l];
    if (!begins_well(warp, in, copy)) return;
    copy.bytes = static_cast<U32>(copy.map.box_bytes());
    if (shared % 128 != 0) {
      report(warp, in, Report::Kind::kAlignment, U32{1} << l,
             fmt::format("a box at byte {} of shared memory; it must begin at a multiple of 128",
                         shared & ((U64{1} << kRankShift) - 1)));
      return;
    }
    (copy.to_global ? copy.from : copy.to) = shared;
    queue_copy(warp, in, copy, (in.count & kHasBarrier) != 0 ? bulk_address(warp, in, 3, l) : 0);
  });
  return Flow::kNext;
}

// A row of a box: elements side by side in global memory, and where they lie in shared memory.
struct Place {
  U64 global = 0, shared = 0;
  int first = 0, last = 0;  // elements of the row that are inside the tensor
};

// Calls f with every row of the copy's box. What is stored is left out by pieces of 16 bytes: the piece that
// the end of a row lies in is written to its end, as an H100 does.
template <class F>
void each_row(const BulkCopy& copy, U64 shared, F f) {
  const TensorMapFields& map = copy.map;
  const int bytes = map.element_bytes(), inner = map.count(0);
  const U32 span = kSpans[map.swizzle];
  const U64 pitch = std::max<U64>(span, static_cast<U64>(inner * bytes));
  std::int64_t rows = 1;
  for (int d = 1; d < map.rank; ++d) rows *= map.count(d);
  for (std::int64_t row = 0; row < rows; ++row) {
    Place place;
    place.shared = shared + static_cast<U64>(row) * pitch;
    place.global = map.address + static_cast<U64>(std::int64_t{copy.at[0]} * bytes);
    bool outside = false;
    std::int64_t left = row;
    for (int d = 1; d < map.rank; ++d) {
      const auto i = static_cast<std::size_t>(d);
      const std::int64_t x = copy.at[i] + left % map.count(d) * map.steps[i];
      left /= map.count(d);
      outside |= x < 0 || x >= static_cast<std::int64_t>(map.shape[i]);
      place.global += static_cast<U64>(x) * map.strides[i - 1];
    }
    std::int64_t end = static_cast<std::int64_t>(map.shape[0]) - copy.at[0];
    if (copy.to_global) end = (end * bytes + 15) / 16 * 16 / bytes;
    place.first = std::clamp(-copy.at[0], 0, inner);
    place.last = static_cast<int>(std::clamp<std::int64_t>(end, place.first, inner));
    if (outside) place.last = place.first;
    f(place);
  }
}

U64 swizzled(const TensorMapFields& map, U64 address) {
  const U32 span = kSpans[map.swizzle];
  return span == 0 ? address : address ^ ((address >> 7 & (span / 16 - 1)) << 4);
}

// What a load puts where the tensor has no element.
void fill(const TensorMapFields& map, Row& row) {
  std::memset(row.data(), 0, row.size());
  if (map.fill == static_cast<std::uint8_t>(TensorMapFill::kZeros)) return;
  for (std::size_t at = 0; at < row.size(); at += 2) std::memcpy(row.data() + at, &kNanOutside, 2);
}

// f32 elements that the map says to round. One that says to flush denormals changes none on an H100.
void convert(const TensorMapFields& map, std::byte* elements, int count) {
  const auto type = static_cast<TensorMapType>(map.type);
  if (type != TensorMapType::kTF32 && type != TensorMapType::kTF32Ftz) return;
  for (int i = 0; i < count; ++i) {
    U32 u;
    std::memcpy(&u, elements + 4 * i, 4);
    if ((u & 0x7FFFFFFF) > 0x7F800000)
      u = kNanTf32;
    else if ((u & 0x7F800000) != 0x7F800000)
      u = (u + 0xFFF + (u >> 13 & 1)) & ~U32{0x1FFF};
    std::memcpy(elements + 4 * i, &u, 4);
  }
}

// The elements inside the tensor, to or from `row`.
template <bool kStore>
void move_global(Warp& warp, const BulkCopy& copy, const Place& place, Row& row) {
  const auto bytes = static_cast<U32>(copy.map.element_bytes());
  const U32 first = static_cast<U32>(place.first) * bytes, last = static_cast<U32>(place.last) * bytes;
  if (first == last) return;
  const bool plain = copy.reduction == Reduction::kNone;
  if (plain && is_inside(*warp.block->launch, place.global + first, last - first, kStore)) {
    auto* at = reinterpret_cast<std::byte*>(place.global + first);
    std::memcpy(kStore ? at : row.data() + first, kStore ? row.data() + first : at, last - first);
    return;
  }
  for (U32 i = first; i < last; i += bytes) {
    std::byte* at = resolve_one(warp, *copy.step, Space::kGlobal, copy.lane, place.global + i, bytes,
                                !plain   ? Use::kAtomic
                                : kStore ? Use::kLand
                                         : Use::kRead);
    if (at == nullptr) continue;
    if (!plain)
      reduce(copy.reduction, copy.type, at, row.data() + i);
    else
      std::memcpy(kStore ? at : row.data() + i, kStore ? row.data() + i : at, bytes);
  }
}

void load(Warp& warp, const BulkCopy& copy) {
  const auto bytes = static_cast<U64>(copy.map.count(0) * copy.map.element_bytes());
  Row row;
  each_row(copy, copy.to, [&](const Place& place) {
    fill(copy.map, row);
    move_global<false>(warp, copy, place, row);
    convert(copy.map, row.data() + place.first * copy.map.element_bytes(), place.last - place.first);
    for (U64 at = 0; at < bytes; at += 16) {
      std::byte* to = resolve_one(warp, *copy.step, Space::kShared, copy.lane,
                                  swizzled(copy.map, place.shared + at), 16, Use::kLand);
      if (to != nullptr) std::memcpy(to, row.data() + at, 16);
    }
  });
}

Type reduced_type(TensorMapType type) {
  switch (type) {
    case TensorMapType::kU32: return Type::kU32;
    case TensorMapType::kS32: return Type::kS32;
    case TensorMapType::kU64: return Type::kU64;
    case TensorMapType::kS64: return Type::kS64;
    case TensorMapType::kF16: return Type::kF16;
    case TensorMapType::kBF16: return Type::kBF16;
    case TensorMapType::kF64: return Type::kF64;
    case TensorMapType::kU8:
    case TensorMapType::kU16: return Type::kNone;
    default: return Type::kF32;
  }
}

// Which elements can be reduced how: PTX ISA, "cp.reduce.async.bulk.tensor"; an H100 has bits of s64 in none.
bool reducible(Reduction op, Type type) {
  const bool is_float = type == Type::kF32 || type == Type::kF64,
             half = type == Type::kF16 || type == Type::kBF16;
  switch (op) {
    case Reduction::kAdd: return type != Type::kNone;
    case Reduction::kMin:
    case Reduction::kMax: return type != Type::kNone && !is_float;
    case Reduction::kInc:
    case Reduction::kDec: return type == Type::kU32;
    default: return type != Type::kNone && type != Type::kS64 && !is_float && !half;
  }
}

void store(Warp& warp, const BulkCopy& given) {
  BulkCopy copy = given;
  copy.type = reduced_type(static_cast<TensorMapType>(copy.map.type));
  if (copy.reduction != Reduction::kNone && !reducible(copy.reduction, copy.type)) {
    report(warp, *copy.step, Report::Kind::kUnsupported, U32{1} << copy.lane,
           "the elements of the tensor map cannot be reduced by this operation");
    return;
  }
  const auto bytes = static_cast<U64>(copy.map.count(0) * copy.map.element_bytes());
  Row row;
  each_row(copy, copy.from, [&](const Place& place) {
    for (U64 at = 0; at < bytes; at += 16) {
      const std::byte* from = source_of(warp, copy, swizzled(copy.map, place.shared + at));
      if (from != nullptr) std::memcpy(row.data() + at, from, 16);
    }
    move_global<true>(warp, copy, place, row);
  });
}

// tensormap.replace: in.count says the field, r[1] is the map's address, r[2] the value, in.immediate the
// dimension.
enum class Field : std::uint8_t {
  kAddress,
  kRank,
  kBox,
  kShape,
  kStride,
  kStep,
  kType,
  kInterleave,
  kSwizzle,
  kFill
};
constexpr std::string_view kFields[] = {"global_address", "rank",           "box_dim",  "global_dim",
                                        "global_stride",  "element_stride", "elemtype", "interleave_layout",
                                        "swizzle_mode",   "fill_mode"};

// PTX numbers the types of elements otherwise than the driver does.
std::uint8_t element_type(U64 number) {
  using enum TensorMapType;
  constexpr TensorMapType kTypes[] = {kU8,  kU16,    kU32, kS32,  kU64,  kS64,    kF16,
                                      kF32, kF32Ftz, kF64, kBF16, kTF32, kTF32Ftz};
  return number < std::size(kTypes) ? static_cast<std::uint8_t>(kTypes[number]) : std::uint8_t{255};
}

void set_field(TensorMapFields& map, Field field, std::size_t dimension, U64 value) {
  const auto small = static_cast<std::uint8_t>(std::min<U64>(value, 255));
  switch (field) {
    case Field::kAddress: map.address = value; break;
    case Field::kRank: map.rank = static_cast<std::uint8_t>(small + 1); break;
    case Field::kBox: map.box[dimension] = static_cast<std::uint16_t>(std::min<U64>(value, 0xFFFF)); break;
    case Field::kShape: map.shape[dimension] = value; break;
    case Field::kStride: map.strides[std::min<std::size_t>(dimension, 3)] = value; break;
    case Field::kStep: map.steps[dimension] = dimension == 0 ? std::uint8_t{1} : small; break;
    case Field::kType: map.type = element_type(value); break;
    case Field::kInterleave: map.interleave = small; break;
    case Field::kSwizzle: map.swizzle = small; break;
    case Field::kFill: map.fill = small; break;
  }
}

enum : U8 { kInShared = 16, kInGlobal = 32 };  // of in.small
Flow replace(Warp& warp, const Decoded& in, U32 mask) {
  const Space space = (in.small & kInShared) != 0   ? Space::kShared
                      : (in.small & kInGlobal) != 0 ? Space::kGlobal
                                                    : Space::kGeneric;
  each_lane(mask, [&](int l) {
    const MapPlace at = map_place(warp, in, space, l, bulk_address(warp, in, 1, l), Use::kAtomic);
    TensorMap map;
    if (!copy_map(at, map)) return;
    TensorMapFields fields = TensorMapFields::of(map);
    set_field(fields, static_cast<Field>(in.count), static_cast<std::size_t>(in.immediate),
              bulk_address(warp, in, 2, l));
    std::memcpy(map.bytes.data(), &fields, sizeof fields);
    copy_map(map, at);
  });
  return Flow::kNext;
}

// tensormap.cp_fenceproxy: one copy for the whole warp. r: to, from.
Flow publish(Warp& warp, const Decoded& in, U32 mask) {
  const int lane = std::countr_zero(mask);
  TensorMap map;
  if (copy_map(map_place(warp, in, Space::kShared, lane, bulk_address(warp, in, 1, lane), Use::kRead), map))
    copy_map(map, map_place(warp, in, Space::kGlobal, lane, bulk_address(warp, in, 0, lane), Use::kWrite));
  return Flow::kNext;
}

}  // namespace

void begin_box(Warp& warp, const BulkCopy& copy) {
  const auto bytes = static_cast<U32>(copy.map.element_bytes());
  each_row(copy, copy.from, [&](const auto& place) {
    for (int i = place.first; i < place.last; ++i)
      resolve_one(warp, *copy.step, Space::kGlobal, copy.lane, place.global + static_cast<U32>(i) * bytes,
                  bytes, Use::kBegin);
  });
}

std::vector<std::pair<U64, U32>> box_pieces(const BulkCopy& copy) {
  const U64 shared = copy.to_global ? copy.from : copy.to;
  const auto inner = static_cast<U32>(copy.map.count(0) * copy.map.element_bytes());
  if (inner >= kSpans[copy.map.swizzle]) return {{shared, static_cast<U32>(copy.map.box_bytes())}};
  std::vector<std::pair<U64, U32>> out;
  each_row(copy, shared, [&](const auto& place) {
    for (U32 at = 0; at < inner; at += 16) out.emplace_back(swizzled(copy.map, place.shared + at), 16);
  });
  return out;
}

void land_tensor(Warp& warp, const BulkCopy& copy) { copy.to_global ? store(warp, copy) : load(warp, copy); }

std::uint8_t tensor_map_field(const Form& form) {
  for (std::size_t i = 0; i < std::size(kFields); ++i)
    if (form.has(kFields[i])) return static_cast<std::uint8_t>(i);
  return 255;
}

Handler select_tensor(const Form& form) {
  if (form.row->opcode != "tensormap") return &tensor;
  return form.has("replace") ? &replace : &publish;
}

}  // namespace intarsia::ptx
