// Checks a file from the reader's disk by the deployment's keys, and names what was changed.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import { type Difference, differences } from '../lib/canonical';
import { Refused, type Verified, verified } from '../lib/evidence';
import { ProblemView } from './states';
import { VerifiedBy } from './verified-by';

interface Judgement {
  name: string;
  file?: Verified;
  why?: string;
  // Against the receipt of the deployment, where it could be read.
  differences?: readonly Difference[];
}

export function VerifyFile({ tenant }: { tenant: string | undefined }) {
  const [judgement, setJudgement] = useState<Judgement>();
  const [problem, setProblem] = useState<Problem>();
  const judge = async (file: File | undefined) => {
    setJudgement(undefined);
    setProblem(undefined);
    if (!file) return;
    try {
      setJudgement(await judged(file.name, new Uint8Array(await file.arrayBuffer()), tenant));
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <section class="box">
      <h2>Verify a file</h2>
      <label class="field">
        <span>A receipt that was downloaded or sent to you; it stays in this browser</span>
        <input
          type="file"
          accept=".json,application/json"
          onChange={(event) => judge(event.currentTarget.files?.[0])}
        />
      </label>
      {problem && <ProblemView problem={problem} />}
      <div role="status">{judgement && <Judged judgement={judgement} />}</div>
    </section>
  );
}

async function judged(
  name: string,
  bytes: Uint8Array,
  tenant: string | undefined,
): Promise<Judgement> {
  const keys = await apiFor(undefined).get<unknown>('keys');
  try {
    const file = await verified(bytes, 'receipt', keys);
    const { differing } = await against(file.content, tenant);
    return { name, file, differences: differing };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { differing } = await against(loose(bytes), tenant);
    return { name, why: error.message, differences: differing };
  }
}

// The content of a refused file, as far as it can be read.
function loose(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

// Compares with the receipt that the deployment has of the same execution and generation.
async function against(
  content: Record<string, unknown>,
  tenant: string | undefined,
): Promise<{ differing: readonly Difference[] | undefined }> {
  const { execution_id: id, generation } = content;
  if (typeof id !== 'string' || !/^[0-9a-f]{40}$/.test(id)) return { differing: undefined };
  try {
    const stored = await apiFor(tenant).bytes(path('executions', id, 'receipt'), {
      format: 'file',
      generation: typeof generation === 'number' ? generation : undefined,
    });
    return { differing: differences(content, JSON.parse(new TextDecoder().decode(stored))) };
  } catch {
    return { differing: undefined };
  }
}

function Judged({ judgement }: { judgement: Judgement }) {
  const { file, why, differences: found } = judgement;
  return (
    <>
      {file ? (
        <VerifiedBy file={file} />
      ) : (
        <p class="status bad">
          <span>
            <strong>Refused</strong>
            {judgement.name}: {why}.
          </span>
        </p>
      )}
      {found === undefined && (
        <p class="soft">This deployment shows you no receipt of this execution to compare with.</p>
      )}
      {found?.length === 0 && <p>Its members are those of the receipt that this deployment has.</p>}
      {found && found.length > 0 && (
        <>
          <h3>It differs from the receipt that this deployment has</h3>
          <table>
            <caption class="unseen">Members that differ</caption>
            <thead>
              <tr>
                <th scope="col">Member</th>
                <th scope="col">In the file</th>
                <th scope="col">In the receipt</th>
              </tr>
            </thead>
            <tbody>
              {found.map((one) => (
                <tr key={one.at}>
                  <th scope="row">{one.at}</th>
                  <td>{one.here ?? 'missing'}</td>
                  <td>{one.there ?? 'missing'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </>
  );
}
