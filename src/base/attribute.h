// Attribute values of operators, and the named, sorted list a node carries.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/dim.h"
#include "base/dtype.h"
#include "base/error.h"

namespace intarsia {

struct Bytes {
  std::string data;
  bool operator==(const Bytes&) const = default;
};
struct Array {  // one-dimensional, of any numeric dtype; `data` holds count * bytes(dtype), little endian
  DType dtype{};
  std::int64_t count = 0;
  std::string data;
  bool operator==(const Array&) const = default;
};
// The order of alternatives is part of the format: append only.
using AttributeValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, DType, Shape,
                 std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>, Bytes, Array>;

class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, AttributeValue>> items) {
    for (auto& i : items) set(i.first, i.second);
  }
  void set(std::string name, AttributeValue value) {
    auto at = std::lower_bound(items_.begin(), items_.end(), name,
                               [](auto& item, auto& n) { return item.first < n; });
    if (at != items_.end() && at->first == name)
      at->second = std::move(value);
    else
      items_.insert(at, {std::move(name), std::move(value)});
  }
  const AttributeValue* find(std::string_view name) const {
    for (auto& item : items_)
      if (item.first == name) return &item.second;
    return nullptr;
  }
  template <class T>
  const T& get(std::string_view name) const {
    const AttributeValue* v = find(name);
    const T* t = v ? std::get_if<T>(v) : nullptr;
    if (!t) throw UserError("attribute '" + std::string(name) + "' is missing or of another type");
    return *t;
  }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::pair<std::string, AttributeValue>> items_;  // sorted by name
};

}  // namespace intarsia
