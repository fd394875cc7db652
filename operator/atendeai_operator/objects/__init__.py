"""Parts of Kubernetes objects that both resources build: names and labels, pods, services, network policies. Pure."""
