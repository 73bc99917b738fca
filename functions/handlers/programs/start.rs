//! The program `start` of a deployment.

fn main() -> Result<(), lambda_runtime::Error> {
    holdfast_functions::serve(&[holdfast_functions::programs::START])
}
