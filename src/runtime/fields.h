// Visitors over `fields` lists: bytes out, bytes in, and every Id. A struct says its fields once.
//
// A struct is (number, length, payload)*, so that a reader can step over what it does not know.
#pragma once
#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "runtime/program.h"

namespace intarsia::runtime {

struct NoVisitor {
  template <class... A>
  void operator()(A&&...) {}
};
template <class T>
concept HasFields = requires(T& t, NoVisitor& v) { T::fields(t, v); };
template <class T>
constexpr bool is_id = false;
template <class Tag>
constexpr bool is_id<Id<Tag>> = true;
template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;
template <class T>
concept Number = std::is_integral_v<T> || std::is_enum_v<T>;

inline void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 128; v >>= 7) out += static_cast<char>(v | 128);
  out += static_cast<char>(v);
}

struct Writer {
  std::string& out;
  std::span<const Symbol> symbols;

  template <class T>
  void operator()(int number, const char*, const T& value) {
    std::string payload;
    Writer{payload, symbols}.put(value);
    put_varint(out, static_cast<std::uint64_t>(number));
    put_varint(out, payload.size());
    out += payload;
  }
  template <class T>
  void put(const T& v) {
    if constexpr (HasFields<T>) {
      T::fields(v, *this);
    } else if constexpr (is_id<T>) {
      put_varint(out, (std::uint64_t{v.index} + 1) & 0xffffffff);
    } else if constexpr (Number<T>) {
      put_varint(out, static_cast<std::uint64_t>(v));
    } else if constexpr (std::is_same_v<T, double>) {
      put_varint(out, std::bit_cast<std::uint64_t>(v));
    } else if constexpr (std::is_same_v<T, std::string>) {
      out += v;
    } else if constexpr (std::is_same_v<T, Dim>) {
      std::vector<std::int64_t> words;
      v.append_words(words, symbols);
      for (const std::int64_t w : words) put_varint(out, static_cast<std::uint64_t>(w));
    } else if constexpr (is_vector<T>) {
      put_varint(out, v.size());
      for (const auto& item : v) put_item(item);
    } else {
      put_varint(out, v.index());
      std::visit([&](const auto& body) { put_body(body); }, v);
    }
  }

 private:
  template <class T>
  void put_item(const T& item) {
    std::string payload;
    Writer{payload, symbols}.put(item);
    put_varint(out, payload.size());
    out += payload;
  }
  template <class T>
  void put_body(const T& body) {
    if constexpr (HasFields<T>) put(body);
  }
};

struct Reader {
  static constexpr int kMaxDepth =
      6 + 6 * Program::kMaxNesting;  // a nested list of steps is five records deep

  std::string_view in;
  std::vector<Symbol>* symbols;
  int depth = 0;

  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in.empty()) throw UserError("damaged engine: it ends early");
      const auto byte = static_cast<unsigned char>(in[0]);
      in.remove_prefix(1);
      v |= std::uint64_t{byte & 127u} << shift;
      if (byte < 128) return v;
    }
    throw UserError("damaged engine: a number is too long");
  }
  std::string_view take() {
    const std::uint64_t n = varint();
    if (n > in.size()) throw UserError("damaged engine: a length exceeds the file");
    const std::string_view part = in.substr(0, n);
    in.remove_prefix(n);
    return part;
  }
  template <class T>
  void get(T& v) {
    if (depth > kMaxDepth) throw UserError("damaged engine: nested too deep");
    if constexpr (HasFields<T>) {
      while (!in.empty()) get_field(v);
    } else if constexpr (is_id<T>) {
      v.index = static_cast<std::uint32_t>(varint() - 1);
    } else if constexpr (Number<T>) {
      get_number(v);
    } else if constexpr (std::is_same_v<T, double>) {
      v = std::bit_cast<double>(varint());
    } else if constexpr (std::is_same_v<T, std::string>) {
      v = std::string(std::exchange(in, {}));
    } else if constexpr (std::is_same_v<T, Dim>) {
      std::vector<std::int64_t> words;
      while (!in.empty()) words.push_back(static_cast<std::int64_t>(varint()));
      v = Dim::from_words(words, *symbols);
    } else if constexpr (is_vector<T>) {
      get_vector(v);
    } else {
      get_variant(v, varint(), std::make_index_sequence<std::variant_size_v<T>>());
    }
    if (!in.empty()) throw UserError("damaged engine: bytes left over");
  }

 private:
  template <class T>
  void get_field(T& v) {
    const std::uint64_t number = varint();
    const std::string_view payload = take();
    bool known = false;
    auto one = [&](int n, const char*, auto& field) {
      if (known || static_cast<std::uint64_t>(n) != number) return;
      known = true;
      Reader{payload, symbols, depth + 1}.get(field);
    };
    T::fields(v, one);
    if (!known && number > 100 && number % 2 == 0)
      throw UserError("this engine needs a newer Intarsia (field " + std::to_string(number) + ")");
    if constexpr (std::is_same_v<T, Program>) {
      if (number == 2) *symbols = symbols_of(v);  // dims are read against the symbols before them
    }
  }
  template <class T>
  void get_number(T& v) {
    const std::uint64_t n = varint();
    v = static_cast<T>(n);
    if (static_cast<std::uint64_t>(v) != n) throw UserError("damaged engine: a number is out of range");
  }
  template <class T>
  void get_vector(std::vector<T>& v) {
    const std::uint64_t n = varint();
    if (n > in.size()) throw UserError("damaged engine: a count exceeds the file");
    v.clear();
    for (std::uint64_t i = 0; i < n; ++i) {
      v.emplace_back();
      Reader{take(), symbols, depth + 1}.get(v.back());
    }
  }
  template <class V, std::size_t... I>
  void get_variant(V& v, std::uint64_t index, std::index_sequence<I...>) {
    if (index >= sizeof...(I))
      throw UserError("this engine has a step of a newer kind (" + std::to_string(index) + ")");
    const auto one = [&]<std::size_t K>() {
      if (K != index) return;
      auto& body = v.template emplace<K>();
      if constexpr (HasFields<std::decay_t<decltype(body)>>) get(body);
    };
    (one.template operator()<I>(), ...);
  }
};

// Calls `visit(id)` for every Id inside; works on const and mutable programs (checking, remapping).
template <class Visit>
struct IdVisitor {
  Visit visit;
  template <class T>
  void operator()(int, const char*, T& v) {
    walk(v);
  }
  template <class T>
  void walk(T& v) {
    using Plain = std::remove_const_t<T>;
    if constexpr (HasFields<Plain>) {
      Plain::fields(v, *this);
    } else if constexpr (is_id<Plain>) {
      visit(v);
    } else if constexpr (is_vector<Plain>) {
      for (auto& item : v) walk(item);
    } else if constexpr (std::is_same_v<Plain, Step::Body>) {
      std::visit([&](auto& body) { walk(body); }, v);
    }
  }
};
template <class T, class Visit>
void for_each_id(T& record, Visit visit) {
  IdVisitor<Visit>{visit}.walk(record);
}

}  // namespace intarsia::runtime
