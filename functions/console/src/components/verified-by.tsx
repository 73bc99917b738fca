// Says which key signed a verified file, and where that was verified.
import type { Verified } from '../lib/evidence';
import { Shape } from './status';
import { Time } from './time';

export function VerifiedBy({ file }: { file: Verified }) {
  const { certificate } = file;
  return (
    <div class="status good">
      <Shape tone="good" />
      <p>
        <strong>Signature verified in this browser</strong>
        {certificate ? (
          <>
            By a short-lived key of {certificate.deployment}, which the key <code>{file.kid}</code>{' '}
            certified for receipts from <Time at={certificate.not_before} /> to{' '}
            <Time at={certificate.not_after} />.
          </>
        ) : (
          <>
            By the key <code>{file.kid}</code> of the key set itself.
          </>
        )}{' '}
        SHA-256 <code>{file.sha256}</code>.
      </p>
    </div>
  );
}
