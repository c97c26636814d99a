// After the LZ4 block format (lz4_Block_format.md): sequences of literals and of copies from before.
#include "ptx/lz4.h"

namespace intarsia::ptx {
namespace {

class Reader {
 public:
  Reader(std::string_view bytes, std::uint64_t unpacked, std::string& out)
      : bytes_(bytes), unpacked_(unpacked), out_(out) {}

  bool run() {
    while (at_ < bytes_.size()) {
      const unsigned token = byte();
      if (!literals(length(token >> 4))) return false;
      if (at_ == bytes_.size()) break;  // the last sequence has no copy
      if (bytes_.size() - at_ < 2) return false;
      const std::size_t low = byte(), distance = low | std::size_t{byte()} << 8;
      if (!copy(distance, length(token & 15) + 4)) return false;
    }
    return out_.size() == unpacked_;
  }

 private:
  unsigned byte() { return static_cast<unsigned char>(bytes_[at_++]); }

  std::size_t length(unsigned nibble) {
    std::size_t n = nibble;
    for (unsigned more = 255; nibble == 15 && more == 255 && at_ < bytes_.size(); n += more) more = byte();
    return n;
  }

  bool literals(std::size_t n) {
    if (n > bytes_.size() - at_ || n > unpacked_ - out_.size()) return false;
    out_.append(bytes_.substr(at_, n));
    at_ += n;
    return true;
  }

  bool copy(std::size_t distance, std::size_t n) {
    if (distance == 0 || distance > out_.size() || n > unpacked_ - out_.size()) return false;
    for (std::size_t i = 0; i < n; ++i) out_.push_back(out_[out_.size() - distance]);
    return true;
  }

  std::string_view bytes_;
  std::uint64_t unpacked_;
  std::string& out_;
  std::size_t at_ = 0;
};

}  // namespace

bool unpack_lz4(std::string_view bytes, std::uint64_t unpacked, std::string& out) {
  out.clear();
  return Reader(bytes, unpacked, out).run();
}

}  // namespace intarsia::ptx
