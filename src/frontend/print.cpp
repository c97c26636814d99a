#include "frontend/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/convert.h"

namespace intarsia::frontend {
namespace {

constexpr std::int64_t kSummaryAbove = 1000, kEdge = 3;

std::string shortest(double v, DType dtype) {
  std::string text = dtype == DType::kF64 ? fmt::format("{}", v) : fmt::format("{}", static_cast<float>(v));
  if (text.find_first_not_of("0123456789-") == std::string::npos) text += ".";
  return text;
}

// Enough digits to tell the elements apart at a glance, as NumPy does: eight significant ones at most.
std::string float_text(double v, DType dtype) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  std::string text = shortest(v, dtype);
  if (text.size() <= 10) return text;
  text = fmt::format("{:.8g}", v);
  if (text.find_first_not_of("0123456789-") == std::string::npos) text += ".";
  return text;
}

std::string element_text(const runtime::DeviceTensor& t, std::int64_t i) {
  const std::uint64_t bits = load_bits(t.dtype, t.data, i);
  if (t.dtype == DType::kBool) return bits ? "true" : "false";
  if (is_float(t.dtype)) return float_text(float_from_bits(t.dtype, bits), t.dtype);
  if (t.dtype == DType::kU64) return fmt::format("{}", bits);
  return fmt::format("{}", int_from_bits(t.dtype, bits));
}

// The places of an axis that are shown; -1 stands for the dots.
std::vector<std::int64_t> shown(std::int64_t extent, bool summary) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < extent; ++i) {
    if (summary && extent > 2 * kEdge && i == kEdge) out.push_back(-1), i = extent - kEdge;
    out.push_back(i);
  }
  return out;
}

class Printer {
 public:
  explicit Printer(const runtime::DeviceTensor& tensor)
      : t_(tensor), summary_(tensor.extents.numel() > kSummaryAbove) {
    std::int64_t stride = 1;
    strides_.resize(t_.extents.size());
    for (std::size_t a = strides_.size(); a-- > 0;) strides_[a] = stride, stride *= t_.extents[a];
  }
  std::string run() {
    if (t_.extents.size() == 0) return element_text(t_, 0);
    axis(0, 0, false);  // once for the width
    out_.clear();
    axis(0, 0, true);
    return out_;
  }

 private:
  // Depth is the rank, at most eight.
  void axis(std::size_t a, std::int64_t at, bool write) {
    if (write) out_ += "[";
    const bool inner = a + 1 == t_.extents.size();
    bool first = true;
    for (const std::int64_t i : shown(t_.extents[a], summary_)) {
      if (write && !first)
        out_ += inner ? ", "
                      : ",\n" + std::string(t_.extents.size() > 2 && a + 2 < t_.extents.size() ? "\n" : "") +
                            std::string(8 + a, ' ');
      first = false;
      if (i < 0)
        out_ += write ? "..." : "";
      else if (inner)
        element(at + i, write);
      else
        axis(a + 1, at + i * strides_[a], write);
    }
    if (write) out_ += "]";
  }
  void element(std::int64_t at, bool write) {
    const std::string text = element_text(t_, at);
    width_ = std::max(width_, text.size());
    if (write) out_ += std::string(width_ - text.size(), ' ') + text;
  }

  const runtime::DeviceTensor& t_;
  bool summary_;
  std::vector<std::int64_t> strides_;
  std::size_t width_ = 0;
  std::string out_;
};

}  // namespace

std::string print_tensor(const runtime::DeviceTensor& host, std::string_view device) {
  return fmt::format("tensor({}, dtype={}, shape=[{}], device={})", Printer(host).run(), name(host.dtype),
                     fmt::join(host.extents.begin(), host.extents.end(), ", "), device);
}

}  // namespace intarsia::frontend
