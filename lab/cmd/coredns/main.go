// coredns is CoreDNS with the few plugins that serve a cluster's names: the full set would bring the clients of three clouds into the build.
package main

import (
	"berth.dev/lab/internal/stamp"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	stamp.Answer()
	// The order in which plugins see a query; a directive that is not here is unknown to the Corefile.
	dnsserver.Directives = []string{"health", "ready", "errors", "cache", "kubernetes", "forward"}
	coremain.Run()
}
