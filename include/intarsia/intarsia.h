// Tensors that compute when somebody looks: operators, evaluation, compiled functions, plugins.
//
//   namespace ia = intarsia;
//   ia::Tensor x = ia::iota({2, 2});
//   ia::Tensor y = ia::plugin("example::elemwise_add_plugin", {x}, {{"block_size", 256}}) + 1;
//   std::cout << y;                          // compiles once, runs, prints
//
// Every function throws UserError with the caller's file, line and a caret where an argument does not fit.
#pragma once
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/attribute.h"
#include "base/dim.h"
#include "base/dtype.h"
#include "base/error.h"
#include "runtime/storage.h"

namespace intarsia {

// ---- where a call stands
// ---------------------------------------------------------------------------------------------

// Another language's place in a source, looked up only when an error is shown.
class CallSite {
 public:
  virtual ~CallSite() = default;
  virtual std::string place() const = 0;  // "model.py:41"
  virtual std::string show() const = 0;   // the place, the line and a caret, for messages
};

class Caller {
 public:
  Caller(std::source_location at = std::source_location::current())
      : at_(at) {}  // NOLINT: a default argument converts
  Caller(std::shared_ptr<const CallSite> site) : site_(std::move(site)) {}  // NOLINT
  std::string place() const;
  std::string show() const;

 private:
  std::source_location at_;
  std::shared_ptr<const CallSite> site_;
};

// ---- devices
// ---------------------------------------------------------------------------------------------------------

// A handle; devices live as long as the process.
class Device {
 public:
  explicit Device(runtime::Device& device) : device_(&device) {}
  static Device cpu();
  static Device named(
      std::string_view name);  // "cpu", "cuda:1", "cuda" (the first); UserError lists what there is
  static std::vector<Device> all();
  const std::string& name() const;
  runtime::Device& get() const { return *device_; }
  bool operator==(const Device&) const = default;

 private:
  runtime::Device* device_;
};
// Where results are computed: the first CUDA device if there is one, else the CPU.
Device default_device();
void set_default_device(Device device);

// ---- tensors
// ---------------------------------------------------------------------------------------------------------

namespace frontend {
class Record;
class RecordRef {  // counts references; the last one frees a chain of records without recursion
 public:
  RecordRef() = default;
  explicit RecordRef(Record* record) noexcept : record_(record) {}  // takes a reference over
  RecordRef(const RecordRef& other) noexcept;
  RecordRef(RecordRef&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  RecordRef& operator=(RecordRef other) noexcept {
    std::swap(record_, other.record_);
    return *this;
  }
  ~RecordRef();
  Record* get() const { return record_; }
  Record* operator->() const { return record_; }
  Record& operator*() const { return *record_; }
  explicit operator bool() const { return record_ != nullptr; }
  Record* release() noexcept { return std::exchange(record_, nullptr); }

 private:
  Record* record_ = nullptr;
};
}  // namespace frontend

// Numbers of C++ that stand where a tensor may: they take the dtype of the tensors beside them.
using Number = std::variant<bool, std::int64_t, double>;
template <class T>
concept PlainNumber = std::is_arithmetic_v<T>;
template <PlainNumber T>
constexpr Number number(T value) {
  if constexpr (std::same_as<T, bool>)
    return value;
  else if constexpr (std::floating_point<T>)
    return static_cast<double>(value);
  else
    return static_cast<std::int64_t>(value);
}

// A value of a dtype and a shape: data, or what will compute it. Copies share. Safe to use from several
// threads.
class Tensor {
 public:
  Tensor() = default;  // empty: only assigned to
  explicit Tensor(frontend::RecordRef record, std::uint32_t port = 0)
      : record_(std::move(record)), port_(port) {}

  // Copies `count(shape)` elements. UserError: another number of elements.
  template <PlainNumber T>
  static Tensor from_host(std::span<const T> data, std::span<const std::int64_t> shape,
                          Caller caller = std::source_location::current());
  static Tensor from_host(DType dtype, std::span<const std::int64_t> shape, const void* data,
                          Caller caller = std::source_location::current());
  static Tensor from_device(runtime::DeviceTensor data, Caller caller = std::source_location::current());

  bool is_empty() const { return !record_; }
  DType dtype() const;
  const Shape& shape() const;  // numbers, or dims with names while a function is compiled
  std::size_t rank() const { return shape().size(); }
  std::vector<std::int64_t> extents(
      Caller caller = std::source_location::current()) const;  // UserError while a function is compiled
  std::int64_t numel(Caller caller = std::source_location::current()) const;

  // Computes what is behind the tensor, once, on the default device (or where its inputs are).
  const Tensor& eval(Caller caller = std::source_location::current()) const;
  bool is_evaluated() const;
  Device device() const;  // evaluates
  runtime::DeviceTensor data(
      Caller caller = std::source_location::current()) const;  // evaluates; dense and row-major
  Tensor to(Device device, Caller caller = std::source_location::current())
      const;  // evaluates; itself where it is there already
  template <class T>
  std::vector<T> tolist(
      Caller caller = std::source_location::current()) const;          // row-major; converted as `cast` does
  double item(Caller caller = std::source_location::current()) const;  // UserError: more than one element
  explicit operator bool() const;                                      // of one element; evaluates
  std::string str(Caller caller = std::source_location::current())
      const;  // evaluates: tensor([0., 1.], dtype=f32, shape=[2])

  // Computes by the operators' definitions, slowly and exactly: what compiled results are compared with.
  Tensor interpret(Caller caller = std::source_location::current()) const;

  const frontend::RecordRef& record() const { return record_; }
  std::uint32_t port() const { return port_; }

 private:
  std::vector<double> doubles(Caller caller) const;
  std::vector<std::int64_t> integers(Caller caller) const;
  frontend::RecordRef record_;
  std::uint32_t port_ = 0;
};
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// Evaluates several at once: what they share is computed once.
void eval(std::span<const Tensor> tensors, Caller caller = std::source_location::current());

// An argument of an operator: a tensor or a number, and where the call stands.
class Operand {
 public:
  Operand(const Tensor& tensor,
          std::source_location at = std::source_location::current())  // NOLINT: converts
      : tensor_(tensor), caller_(at) {}
  template <PlainNumber T>
  Operand(T value, std::source_location at = std::source_location::current())  // NOLINT: converts
      : number_(number(value)), caller_(at) {}
  Operand(const Tensor& tensor, Caller caller) : tensor_(tensor), caller_(std::move(caller)) {}
  Operand(Number value, Caller caller) : number_(value), caller_(std::move(caller)) {}

  const Tensor* tensor() const { return tensor_.is_empty() ? nullptr : &tensor_; }
  const Number& number_value() const { return number_; }
  const Caller& caller() const { return caller_; }

 private:
  Tensor tensor_;
  Number number_ = false;
  Caller caller_;
};

// ---- operators by name
// -----------------------------------------------------------------------------------------------

// The operator with this id from the table of built-ins. UserError: unknown (with near matches), a dtype,
// shape or attribute that does not fit.
std::vector<Tensor> apply(std::string_view op, std::span<const Operand> inputs, const Attributes& attributes,
                          const Caller& caller);

// A registered plugin; one tensor per output. UserError: unknown id (with near matches), attributes, shapes
// and dtypes that do not fit what was registered.
std::vector<Tensor> plugins_call(std::string_view id, std::span<const Operand> inputs,
                                 const Attributes& attributes,
                                 const Caller& caller = std::source_location::current());
// The same for a plugin with one output.
Tensor plugin(std::string_view id, std::initializer_list<Operand> inputs, const Attributes& attributes = {},
              const Caller& caller = std::source_location::current());

Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
Tensor operator%(const Operand& a, const Operand& b);  // the sign of b, as in Python
Tensor operator-(const Operand& a);
Tensor operator==(const Operand& a, const Operand& b);
Tensor operator!=(const Operand& a, const Operand& b);
Tensor operator<(const Operand& a, const Operand& b);
Tensor operator<=(const Operand& a, const Operand& b);
Tensor operator>(const Operand& a, const Operand& b);
Tensor operator>=(const Operand& a, const Operand& b);

// ---- compiled functions
// ----------------------------------------------------------------------------------------------

// An extent known when the function is called. Equal names are equal extents.
struct NamedDimension {
  std::string name;
  std::int64_t min = 0, opt = 0, max = 0;
  std::int64_t multiple = 1;
  NamedDimension(std::string name, std::int64_t min, std::int64_t opt, std::int64_t max,
                 std::int64_t multiple = 1)
      : name(std::move(name)), min(min), opt(opt), max(max), multiple(multiple) {}
};
using DimensionInfo = std::variant<std::int64_t, NamedDimension>;
struct InputInfo {
  std::vector<DimensionInfo> shape;
  DType dtype = DType::kF32;
  std::string name = {};  // of the argument, for messages
};

// A compiled function; copies share it. Safe to call from several threads.
class Executable {
 public:
  struct State;
  explicit Executable(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  // UserError names the argument, what was given and what was wanted.
  std::vector<Tensor> operator()(std::span<const Tensor> inputs,
                                 Caller caller = std::source_location::current()) const;
  std::vector<Tensor> operator()(std::initializer_list<Tensor> inputs,
                                 Caller caller = std::source_location::current()) const {
    return (*this)(std::span<const Tensor>(inputs.begin(), inputs.size()), std::move(caller));
  }
  const std::vector<InputInfo>& input_infos() const;
  std::string str() const;  // the program: steps, buffers, codes

 private:
  std::shared_ptr<const State> state_;
};

using Function = std::function<std::vector<Tensor>(std::span<const Tensor>)>;
// Calls `function` on placeholders and compiles what comes back. Tensors with data that it captures become
// weights.
Executable compile(const Function& function, std::span<const InputInfo> inputs,
                   Caller caller = std::source_location::current());
inline Executable compile(const Function& function, std::initializer_list<InputInfo> inputs,
                          Caller caller = std::source_location::current()) {
  return compile(function, std::span<const InputInfo>(inputs.begin(), inputs.size()), std::move(caller));
}
// The two halves of it, for front ends that trace on their own: arguments, and what was computed from them.
std::vector<Tensor> make_placeholders(std::span<const InputInfo> inputs, const Caller& caller);
Executable compile_traced(std::span<const Tensor> placeholders, std::span<const Tensor> results,
                          std::span<const InputInfo> inputs, const Caller& caller);

// ---- definitions of templates
// ----------------------------------------------------------------------------------------

template <PlainNumber T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, bool>)
    return DType::kBool;
  else if constexpr (std::same_as<T, float>)
    return DType::kF32;
  else if constexpr (std::same_as<T, double>)
    return DType::kF64;
  else if constexpr (sizeof(T) == 1)
    return std::signed_integral<T> ? DType::kI8 : DType::kU8;
  else if constexpr (sizeof(T) == 2)
    return std::signed_integral<T> ? DType::kI16 : DType::kU16;
  else if constexpr (sizeof(T) == 4)
    return std::signed_integral<T> ? DType::kI32 : DType::kU32;
  else
    return std::signed_integral<T> ? DType::kI64 : DType::kU64;
}

template <PlainNumber T>
Tensor Tensor::from_host(std::span<const T> data, std::span<const std::int64_t> shape, Caller caller) {
  std::int64_t count = 1;
  for (const std::int64_t e : shape) count *= e;
  if (count != static_cast<std::int64_t>(data.size()))
    throw UserError(caller.show() + "from_host: the shape needs " + std::to_string(count) +
                    " elements, given are " + std::to_string(data.size()));
  return from_host(dtype_of<T>(), shape, data.data(), std::move(caller));
}

template <class T>
std::vector<T> Tensor::tolist(Caller caller) const {
  std::vector<T> out;
  if constexpr (std::floating_point<T>)
    for (const double v : doubles(std::move(caller))) out.push_back(static_cast<T>(v));
  else
    for (const std::int64_t v : integers(std::move(caller))) out.push_back(static_cast<T>(v));
  return out;
}

}  // namespace intarsia

#include "intarsia/functions.h"
