// Arrays of an uncompressed .npz (a zip whose members are stored), as raw bytes.
#pragma once
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support.h"

namespace intarsia::ptx::test {

struct Array {
  std::string type;  // NumPy's: "<f4"
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;

  template <class T>
  std::vector<T> as() const {
    std::vector<T> out(data.size() / sizeof(T));
    std::memcpy(out.data(), data.data(), out.size() * sizeof(T));
    return out;
  }
};

inline Array array_of(const std::string& npy) {
  Array out;
  std::uint16_t length = 0;
  std::memcpy(&length, npy.data() + 8, 2);
  const std::string header = npy.substr(10, length);
  const std::size_t type = header.find("'descr': '") + 10;
  out.type = header.substr(type, header.find('\'', type) - type);
  const std::size_t shape = header.find('(') + 1;
  for (std::size_t at = shape; header[at] != ')';) {
    if (header[at] >= '0' && header[at] <= '9') {
      std::size_t used = 0;
      out.shape.push_back(std::stoll(header.substr(at), &used));
      at += used;
    } else {
      ++at;
    }
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(npy.data());
  out.data.assign(bytes + 10 + length, bytes + npy.size());
  return out;
}

inline std::map<std::string, Array> load_npz(const std::string& path) {
  const std::string zip = file(path);
  std::map<std::string, Array> out;
  std::size_t at = 0;
  while (at + 30 <= zip.size() && zip.compare(at, 4, "PK\x03\x04") == 0) {
    std::uint32_t size = 0;
    std::uint16_t name = 0, extra = 0, method = 0;
    std::memcpy(&method, zip.data() + at + 8, 2);
    std::memcpy(&size, zip.data() + at + 18, 4);
    std::memcpy(&name, zip.data() + at + 26, 2);
    std::memcpy(&extra, zip.data() + at + 28, 2);
    EXPECT_EQ(method, 0) << "stored members only";
    const std::string key = zip.substr(at + 30, name);
    at += 30U + name + extra;
    out.emplace(key.substr(0, key.rfind(".npy")), array_of(zip.substr(at, size)));
    at += size;
  }
  return out;
}

}  // namespace intarsia::ptx::test
