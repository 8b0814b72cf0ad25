// crdcheck validates CustomResourceDefinitions as the API server would, CEL costs included, without a cluster.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"berth.dev/lab/internal/stamp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

var scheme = runtime.NewScheme()

// check returns one line per error of the CRDs in a file.
func check(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return []string{err.Error()}
	}
	defer file.Close()
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(apiextensions.SchemeGroupVersion)
	reader := utilyaml.NewYAMLReader(bufio.NewReader(file))
	var problems []string
	for found := 0; ; {
		document, err := reader.Read()
		if err != nil {
			if found == 0 {
				problems = append(problems, path+": no CustomResourceDefinition found")
			}
			return problems
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", path, err))
			found++
			continue
		}
		crd, ok := object.(*apiextensions.CustomResourceDefinition)
		if !ok {
			problems = append(problems, fmt.Sprintf("%s: %T is not a CustomResourceDefinition", path, object))
			found++
			continue
		}
		found++
		// What the registry's strategy sets on creation, and validation then asks for.
		crd.Status.StoredVersions = storedVersions(crd)
		for _, problem := range validation.ValidateCustomResourceDefinition(context.Background(), crd) {
			problems = append(problems, fmt.Sprintf("%s: %s: %v", path, crd.Name, problem))
		}
	}
}

func storedVersions(crd *apiextensions.CustomResourceDefinition) []string {
	for _, version := range crd.Spec.Versions {
		if version.Storage {
			return []string{version.Name}
		}
	}
	return nil
}

func main() {
	stamp.Answer()
	install.Install(scheme)
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: crdcheck FILE...")
		os.Exit(2)
	}
	failed := false
	for _, path := range os.Args[1:] {
		for _, problem := range check(path) {
			fmt.Fprintln(os.Stderr, problem)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
