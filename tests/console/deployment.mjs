// The API and the console of template.yaml once more, with other parameters, before the functions
// and tables of the running stack: a deployment in seconds, for what only parameters change.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { HOLDFAST_STACK: STACK, AWS_ENDPOINT_URL, HOLDFAST_LEDGER_TABLE, HOLDFAST_RECEIPT_BUCKET, HOLDFAST_PAYLOAD_BUCKET } = process.env;
// The resources of the template with these names are deployed again.
const AGAIN = /^(HttpApi|Console)/;

function aws(...words) {
  return execFileSync('aws', [...words, '--output', 'json'], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

// The text of the template's part. Its other resources are those of the running stack.
function part() {
  const whole = readFileSync(new URL('../../template.yaml', import.meta.url), 'utf8');
  const [before, rest] = whole.split('\nResources:\n');
  const [resources] = rest.split('\nOutputs:\n');
  const chosen = resources.split(/^(?= {2}\w+:\n)/m).filter((block) => AGAIN.test(block.trim()));
  const code = program();
  const existing = [
    ['!Ref Ledger', HOLDFAST_LEDGER_TABLE],
    ['!Ref ReceiptBucket', HOLDFAST_RECEIPT_BUCKET],
    ['!Ref PayloadBucket', HOLDFAST_PAYLOAD_BUCKET],
    ['functions/handlers', `s3://${code.S3Bucket}/${code.S3Key}`],
    // This policy is in the running stack.
    [', ApiActsForTenants]', ']'],
  ];
  const functions = ['Api', 'Start'].map((name) => `  ${name}Function: ${JSON.stringify(copyOf(name.toLowerCase(), code))}\n`);
  const joined = `${before}\nResources:\n${functions.join('')}${chosen.join('')}
Outputs:\n  ApiId:\n    Value: !Ref HttpApi\n`;
  return existing.reduce((text, [from, to]) => text.replaceAll(from, to), joined);
}

// A function of the API with the role of the running one, and with the claims of the parameters.
function copyOf(name, code) {
  const running = JSON.parse(aws('lambda', 'get-function-configuration', '--function-name', `${STACK}-${name}`));
  const { Runtime, Handler, Role, Timeout, MemorySize, Environment: { Variables } } = running;
  const claims = Object.fromEntries(['Tenant', 'Role', 'Group'].map((name) => [
    `HOLDFAST_${name.toUpperCase()}_CLAIM`, { Ref: `${name}Claim` },
  ]));
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: { 'Fn::Sub': `\${AWS::StackName}-${name}` },
      Code: code,
      Environment: { Variables: { ...Variables, ...claims } },
      ...{ Runtime, Handler, Role, Timeout, MemorySize },
    },
  };
}

// The place of the program that all functions of the running stack have.
function program() {
  const bucket = `${STACK}-code`;
  const listed = JSON.parse(aws('s3api', 'list-objects-v2', '--bucket', bucket)).Contents;
  const [newest] = listed.toSorted((a, b) => b.LastModified.localeCompare(a.LastModified));
  return { S3Bucket: bucket, S3Key: newest.Key };
}

// Deploys it with these parameters. Returns the console's address, and what removes it.
export function deployed(name, parameters) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
  const file = join(folder, 'template.yaml');
  const remove = () => aws('cloudformation', 'delete-stack', '--stack-name', name);
  try {
    writeFileSync(file, part());
    aws('cloudformation', 'deploy', '--stack-name', name, '--template-file', file,
      '--capabilities', 'CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND',
      '--parameter-overrides', ...Object.entries(parameters).map(([key, value]) => `${key}=${value}`));
    const { Outputs: [{ OutputValue: id }] } = JSON.parse(aws('cloudformation', 'describe-stacks', '--stack-name', name)).Stacks[0];
    return { address: `${AWS_ENDPOINT_URL}/_aws/execute-api/${id}/%24default/console`, remove };
  } catch (error) {
    remove();
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
