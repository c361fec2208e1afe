// Reads the text before a cursor, a line each time, and writes what Presage suggests, separated by tabs.
//
//     g++ presage.cpp -lpresage -o presage && ./presage PROFILE

#include <presage.h>

#include <iostream>
#include <string>

class TextField : public PresageCallback {
 public:
  std::string text;
  std::string get_past_stream() const override { return text; }
  std::string get_future_stream() const override { return ""; }
};

int main(int, char** arguments) {
  TextField field;
  Presage presage(&field, arguments[1]);
  while (std::getline(std::cin, field.text)) {
    for (const std::string& word : presage.predict()) std::cout << word << '\t';
    std::cout << std::endl;
  }
}
