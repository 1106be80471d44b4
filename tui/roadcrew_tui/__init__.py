"""What a person sees and types: the app and the roadcrew command."""
