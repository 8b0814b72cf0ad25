// Package stamp tells a build's content key, so that a cached program can be asked which sources it was made from.
package stamp

import (
	"fmt"
	"os"
)

// Build is set by the linker.
var Build = "unknown"

// Answer prints the key and ends the program when its only argument is --build.
func Answer() {
	if len(os.Args) == 2 && os.Args[1] == "--build" {
		fmt.Println(Build)
		os.Exit(0)
	}
}
