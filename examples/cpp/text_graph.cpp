// C++ with the stock onnxruntime: text in, text out, in one call. It needs two things:
//
// - the library: libonnxruntime.so.1 (.dylib, .dll) from npm's onnxruntime-node, or from a release
//   archive of onnxruntime, or Debian's libonnxruntime;
// - its headers: from the same archive, or from Debian's libonnxruntime-dev (`make headers`), since
//   npm's package has none. They may be older than the library, but not newer.
//
// On Linux, with npm's library (-rpath says where the program finds it when it runs):
//
//     lib=examples/node/node_modules/onnxruntime-node/bin/napi-v6/linux/x64
//     c++ -std=c++17 -isystem examples/cpp/include examples/cpp/text_graph.cpp -o text_graph
//         $lib/libonnxruntime.so.1 -Wl,-rpath,$PWD/$lib
#define ORT_API_MANUAL_INIT  // a library that is older than the headers is said below, not a crash
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

template <typename Number>
Ort::Value scalar(Number& number) {
  static const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  return Ort::Value::CreateTensor<Number>(memory, &number, 1, nullptr, 0);
}

int run(const char* prompt) {
  setenv("ORT_DISABLE_TELEMETRY", "1", 1);  // on Windows: _putenv_s
  const Ort::Env environment;
  Ort::Session session(environment, ORT_TSTR("models/nextword.text.onnx"), Ort::SessionOptions());

  const std::int64_t one = 1;
  auto text = Ort::Value::CreateTensor(Ort::AllocatorWithDefaultOptions(), &one, 1,
                                       ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
  text.FillStringTensor(&prompt, 1);
  std::int64_t max_words = 12, top_k = 5, seed = 7;
  float temperature = 1, top_p = 1;
  const std::array names{"prompt", "max_words", "temperature", "top_k", "top_p", "seed"};
  const std::array inputs{std::move(text), scalar(max_words), scalar(temperature),
                          scalar(top_k),   scalar(top_p),     scalar(seed)};
  const std::array asked{"text", "unknown"};
  const auto answers = session.Run(Ort::RunOptions(), names.data(), inputs.data(), inputs.size(),
                                   asked.data(), asked.size());

  const auto unknown = answers[1].GetTensorTypeAndShapeInfo().GetElementCount();
  if (!unknown) std::cout << answers[0].GetStringTensorElement(0) << '\n';
  for (std::size_t i = 0; i < unknown; ++i)
    std::cout << "not in the dictionary: " << answers[1].GetStringTensorElement(i) << '\n';
  return 0;
}

int main(int count, char** arguments) try {
  const auto api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (!api) {
    std::cerr << "onnxruntime " << OrtGetApiBase()->GetVersionString() << " is older than its headers (1."
              << ORT_API_VERSION << ")\n";
    return 1;
  }
  Ort::InitApi(api);
  return run(count > 1 ? arguments[1] : "long ago ,");
} catch (const Ort::Exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
