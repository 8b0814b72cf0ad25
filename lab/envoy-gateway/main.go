// envoy-gateway is the half of Envoy Gateway that reads Gateways and routes and says in their statuses what it makes of them. What
// would run proxies, and lead requests, is left out: there is none to be had here. The first argument is the kubeconfig to use.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	egv1a1 "github.com/envoyproxy/gateway/api/v1alpha1"
	"github.com/envoyproxy/gateway/internal/envoygateway/config"
	translator "github.com/envoyproxy/gateway/internal/gatewayapi/runner"
	"github.com/envoyproxy/gateway/internal/message"
	provider "github.com/envoyproxy/gateway/internal/provider/runner"
)

// build is stamped by the linker.
var build string

func run(ctx context.Context) error {
	server, err := config.New(os.Stdout, os.Stderr)
	if err != nil {
		return err
	}
	yes, kubernetes := true, new(egv1a1.EnvoyGatewayKubernetesProvider)
	kubernetes.LeaderElection = &egv1a1.LeaderElection{Disable: &yes}
	kubernetes.TopologyInjector = &egv1a1.EnvoyGatewayTopologyInjector{Disable: &yes}
	server.EnvoyGateway.Provider = &egv1a1.EnvoyGatewayProvider{Type: egv1a1.ProviderTypeKubernetes, Kubernetes: kubernetes}
	server.EnvoyGateway.SetEnvoyGatewayDefaults()
	resources, failures := new(message.ProviderResources), new(message.RunnerErrors)
	reader := provider.New(&provider.Config{Server: *server, ProviderResources: resources, RunnerErrors: failures})
	if err := reader.Start(ctx); err != nil {
		return err
	}
	// What proxies and their infrastructure would be told goes nowhere.
	judge := translator.New(&translator.Config{
		Server: *server, ProviderResources: resources, RunnerErrors: failures, XdsIR: new(message.XdsIR), InfraIR: new(message.InfraIR),
	})
	if err := judge.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: envoy-gateway KUBECONFIG")
		os.Exit(2)
	}
	if os.Args[1] == "--build" {
		fmt.Println(build)
		return
	}
	os.Setenv("KUBECONFIG", os.Args[1])
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
