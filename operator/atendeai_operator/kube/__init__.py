"""The only room that imports a Kubernetes client: reads, server-side applies, inventories, watches."""
