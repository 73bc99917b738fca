// Input and output of an execution. A large value has its digest alone.
import type { Execution, PayloadView } from '../../api/types';
import { Json } from '../code';

export function Payload({ view }: { view: PayloadView }) {
  if (view.value !== undefined) return <Json value={view.value} />;
  return (
    <p>
      {view.bytes ?? 'Many'} bytes, too many to show. SHA-256 <code>{view.sha256}</code>
    </p>
  );
}

export function Input({ execution }: { execution: Execution }) {
  if (!execution.input && !execution.input_sha256) return null;
  return (
    <section class="box">
      <h2>Input</h2>
      {execution.input ? (
        <Payload view={execution.input} />
      ) : (
        <p>
          Your role does not see it. SHA-256 <code>{execution.input_sha256}</code>
        </p>
      )}
    </section>
  );
}

export function Output({ execution }: { execution: Execution }) {
  if (!execution.output && !execution.output_missing) return null;
  return (
    <section class="box">
      <h2>Output</h2>
      {execution.output_missing && <p>There is none: {execution.output_missing}</p>}
      {execution.output && <Payload view={execution.output} />}
    </section>
  );
}
