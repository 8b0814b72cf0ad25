// karpenter is Karpenter with its KWOK provider, which makes simulated nodes where others order machines. The first argument is
// the kubeconfig to use (Karpenter itself takes that from the environment alone), or `crds` to print its definitions.
package main

import (
	"bytes"
	"fmt"
	"os"

	"berth.dev/lab/internal/stamp"
	"sigs.k8s.io/controller-runtime/pkg/log"
	kwokapis "sigs.k8s.io/karpenter/kwok/apis"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/apis"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	"sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/operator"
)

// definitions are those of the very build that will read the objects.
var definitions = [][]byte{
	apis.NodePoolCRD, apis.NodeClaimCRD, apis.NodeOverlayCRD, apis.CapacityBufferCRD, kwokapis.KWOKNodeClassCRD,
}

func run() error {
	ctx, op := operator.NewOperator()
	types, err := kwok.ConstructInstanceTypes(ctx)
	if err != nil {
		return err
	}
	bare := kwok.NewCloudProvider(ctx, op.GetClient(), types)
	provider := overlay.Decorate(bare, op.GetClient(), op.InstanceTypeStore)
	cluster := state.NewCluster(op.Clock, op.GetClient(), provider)
	log.FromContext(ctx).Info("starting", "instanceTypes", len(types))
	op.WithControllers(ctx, controllers.NewControllers(
		ctx, op.Manager, op.Clock, op.GetClient(), op.EventRecorder, provider, bare, cluster, op.InstanceTypeStore,
	)...).Start(ctx)
	return nil
}

func main() {
	stamp.Answer()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: karpenter KUBECONFIG [flags] | karpenter crds")
		os.Exit(2)
	}
	if os.Args[1] == "crds" {
		os.Stdout.Write(bytes.Join(definitions, []byte("\n---\n")))
		return
	}
	os.Setenv("KUBECONFIG", os.Args[1])
	os.Args = append(os.Args[:1], os.Args[2:]...)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
