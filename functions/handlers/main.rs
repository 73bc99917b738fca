//! The program of the local stack, which serves all functions.

fn main() -> Result<(), lambda_runtime::Error> {
    holdfast_functions::serve(&holdfast_functions::programs::ALL)
}
