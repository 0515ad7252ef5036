"""What `facesocial up` does: one machine's store, workers, gateway and monitor, kept running."""
