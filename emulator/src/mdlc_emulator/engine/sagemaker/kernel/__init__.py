"""What every kind of SageMaker resource shares: where it is kept, found, listed, tagged and refused."""
