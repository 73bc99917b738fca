// The types of the API. Made by types.mjs from docs/openapi.json.

export interface Action {
  action: ActionName;
  decision?: string | null;
  step?: string | null;
  allowed: boolean;
  refusal?: ActionRefusal | null;
  request: ActionRequest;
  command: string;
  effect: string;
  undoes: Array<ActionEffect>;
  cannot_undo: Array<RemainingEffect>;
  continues?: Continuation | null;
  waits_until?: string;
}

export interface ActionBody {
  decision?: string | null;
  execution_id?: string | null;
  shown_sha256?: string | null;
}

export interface ActionEffect {
  step: string;
  item?: string | null;
  action: string;
  state: string;
  certainty: Certainty;
}

export type ActionName = "cancel" | "rollback" | "redrive" | "decide";

export interface ActionRefusal {
  code: RefusalCode;
  message: string;
}

export interface ActionRequest {
  method: string;
  path: string;
  body: ActionBody;
}

export interface Actions {
  execution_id: string;
  workflow_id: string;
  tenant: string;
  status: string;
  generation: number;
  actions: Array<Action>;
}

export interface Allowance {
  workflow_id: string;
  tenant: string;
  name: string;
  period: string | null;
  limit: string;
  used?: string | null;
  left?: string | null;
  resets_at: string | null;
}

export interface Attempt {
  started_at: string;
  ended_at: string | null;
  outcome: string | null;
  error?: string | null;
  answer?: TargetAnswer | null;
}

export interface Bucket {
  at: string;
  started: number;
  ended: Record<string, number>;
  withdrawn: number;
  success_rate: number | null;
  mean_time_to_complete_ms: number | null;
  total_time_to_complete_ms: number;
  decisions: number;
  mean_time_to_decide_ms: number | null;
  total_time_to_decide_ms: number;
}

export type BucketLength = "hour" | "day";

export interface Budgets {
  budgets: Array<Allowance>;
  limits: Array<Allowance>;
}

export interface BulkBody {
  operation: OperationName;
  decision?: Decision | null;
  filter: FilterBody;
  reason: string;
}

export interface BulkChange {
  bulk_id: string;
  status: string;
  total: number;
  replayed: boolean;
  links: BulkLinks;
}

export interface BulkCounts {
  done: number;
  already: number;
  refused: number;
  not_reached: number;
  pending: number;
}

export interface BulkLinks {
  run: string;
  report: string;
}

export interface BulkPreview {
  bulk_id: string;
  tenant: string;
  operation: string;
  decision?: string | null;
  reason: string;
  total: number;
  list_sha256: string;
  statuses: Array<StatusCount>;
  sample: Array<BulkSample>;
  checked: number;
  refused_now: Array<RefusalCount>;
  token: string;
  expires_at: string;
  links: BulkLinks;
}

export interface BulkReport {
  bulk_id: string;
  tenant: string;
  operation: string;
  decision?: string | null;
  reason: string;
  by: string;
  status: string;
  stopped_by?: string | null;
  total: number;
  counts: BulkCounts;
  shown_at: string;
  ended_at: string | null;
  items: Array<BulkReportItem>;
  next: string | null;
}

export interface BulkReportItem {
  execution_id: string;
  generation: number;
  step?: string | null;
  outcome: OutcomeName;
  note?: string | null;
  href: string;
}

export interface BulkSample {
  execution_id: string;
  workflow_id: string;
  subject?: string | null;
  status: string;
  generation: number;
  step?: string | null;
  message?: string | null;
  href: string;
}

export interface CauseGroup {
  workflow_id: string;
  state: string;
  error: string;
  message?: string | null;
  standing: boolean;
  tenants: Array<string>;
  since: string;
  latest: string;
  executions: Count;
  incidents: Array<CauseIncident>;
}

export interface CauseIncident {
  incident_id: string;
  tenant: string;
  status: string;
  opened_at: string;
  executions: Count;
  href: string;
}

export interface Causes {
  causes: Array<CauseGroup>;
  more: boolean;
}

export type Certainty = "certain" | "possible";

export interface CheckRequest {
  input: Record<string, unknown>;
}

export interface Continuation {
  version: number;
  keeps: Array<ActionEffect>;
  runs: Array<string>;
  first?: string | null;
}

export interface Control {
  scope: string;
  state: ControlState;
  running_executions?: PauseBehavior | null;
  reason?: string | null;
  by?: string | null;
  at?: string | null;
}

export interface ControlChange {
  scope: string;
  state: ControlState;
  running_executions?: PauseBehavior | null;
  reason?: string | null;
  by?: string | null;
  at?: string | null;
  replayed: boolean;
  scope_check: ScopeCheck;
  open_executions?: number | null;
  open_executions_more?: boolean;
}

export interface ControlOutlook {
  scope: string;
  state: ControlState;
  running_executions?: PauseBehavior | null;
  reason?: string | null;
  by?: string | null;
  at?: string | null;
  scope_check: ScopeCheck;
  open_executions?: number | null;
  open_executions_more?: boolean;
  workflows?: Array<CoveredWorkflow> | null;
  workflows_more?: boolean;
}

export interface ControlRequest {
  state: ControlState;
  reason: string;
  running_executions?: PauseBehavior;
  new?: boolean;
}

export type ControlState = "paused" | "running";

export interface Controls {
  controls: Array<Control>;
}

export interface Count {
  count: number;
  more: boolean;
}

export interface CoveredWorkflow {
  workflow_id: string;
  open_executions: number;
}

export type Decision = "retry" | "skip" | "rollback" | "approve" | "reject";

export interface DecisionRequest {
  decision: Decision;
  reason: string;
  execution_id?: string | null;
  shown_sha256?: string | null;
}

export interface DecisionResult {
  incident_id: string;
  execution_id: string;
  step: string;
  decision: string;
  replayed: boolean;
  decided: boolean;
  votes: Array<VoteView>;
  needed?: NeededApprovals | null;
  links: ExecutionLinks;
}

export interface DecisionView {
  decision: string;
  by: string;
  reason?: string | null;
  at: string;
}

export interface Definition {
  input: unknown;
  guardrails: Array<unknown>;
  demands: Record<string, unknown>;
  triggers: Array<string>;
  timeout_s: number;
  steps: Array<unknown>;
}

export interface Delegation {
  group: string;
  by: string;
  to: string;
  from: string;
  until: string;
  reason: string;
  at: string;
  in_force: boolean;
  removed: boolean;
}

export interface DelegationChange {
  group: string;
  by: string;
  to: string;
  from: string;
  until: string;
  reason: string;
  at: string;
  in_force: boolean;
  removed: boolean;
  replayed: boolean;
}

export interface DelegationRequest {
  to: string;
  from: string | null;
  until: string;
  reason: string;
}

export interface Delegations {
  delegations: Array<Delegation>;
}

export interface Digests {
  digests: Array<ListedDigest>;
  next: string | null;
}

export interface Execution {
  execution_id: string;
  workflow_id: string;
  workflow_version: number;
  tier: "standard" | "express";
  tenant: string;
  status: string;
  waiting?: OpenQuestion | null;
  paused?: Pause | null;
  trigger: string;
  requested_by: string | null;
  subject?: string | null;
  shown?: Array<ShownField> | null;
  input_sha256?: string | null;
  trace_id: string;
  generation: number;
  started_at: string;
  ended_at: string | null;
  deadline: string;
  guardrails: Array<GuardrailOutcome>;
  failure: ExecutionFailure | null;
  redriven: Redrive | null;
  duplicates_prevented: number;
  residual_effects?: Array<Residual> | null;
  questions: Array<Question>;
  incidents: Array<string>;
  steps: Array<Step>;
  receipt: ReceiptLink | null;
  input?: PayloadView | null;
  output?: PayloadView | null;
  output_missing?: string | null;
}

export interface ExecutionFailure {
  state: string;
  error: string;
  requested_by: string | null;
  reason?: string | null;
}

export interface ExecutionLinks {
  execution: string;
}

export type ExecutionView = Execution | Starting;

export interface Executions {
  executions: Array<ListedExecution>;
  next: string | null;
}

export interface FetchLink {
  execution_id: string;
  url: string;
  expires_at: string;
  sha256: string;
  object: string;
}

export interface Figures {
  started: number;
  ended: Record<string, number>;
  withdrawn: number;
  success_rate: number | null;
  mean_time_to_complete_ms: number | null;
  total_time_to_complete_ms: number;
  decisions: number;
  mean_time_to_decide_ms: number | null;
  total_time_to_decide_ms: number;
}

export interface FilterBody {
  incident_id?: string | null;
  workflow_id?: string | null;
  status?: "RUNNING" | "WAITING" | "PAUSED" | "CLOSING" | "ROLLING_BACK" | "EXECUTED" | "ROLLED_BACK" | "PARTIALLY_ROLLED_BACK" | "FAILED" | "REJECTED" | null;
  subject?: string | null;
  from?: string | null;
  until?: string | null;
}

export interface GatewayMessage {
  message: string;
}

export interface GuardrailOutcome {
  name: string;
  held: boolean;
  message?: string | null;
}

export interface Incident {
  incident_id: string;
  workflow_id: string;
  tenant: string;
  subject?: string | null;
  state: string;
  error: string;
  status: string;
  standing: boolean;
  opened_at: string;
  handled: Array<IncidentActionView>;
  href: string;
  message?: string | null;
}

export interface IncidentActionView {
  status: string;
  by: string;
  reason?: string | null;
  at: string;
}

export interface IncidentInFull {
  incident_id: string;
  workflow_id: string;
  tenant: string;
  subject?: string | null;
  state: string;
  error: string;
  status: string;
  standing: boolean;
  opened_at: string;
  handled: Array<IncidentActionView>;
  href: string;
  message?: string | null;
  executions: Array<LinkedExecution>;
  executions_total: number;
}

export interface Incidents {
  incidents: Array<Incident>;
  next: string | null;
}

export interface KeySet {
  keys: Array<unknown>;
}

export interface LinkedExecution {
  execution_id: string;
  subject?: string | null;
  generation: number;
  at: string;
  status: string;
  href: string;
  stands?: Array<string> | null;
  stands_total: number;
  reason?: string | null;
  question?: Question | null;
}

export interface ListedDigest {
  from: string;
  until: string;
  sha256: string;
  object: string;
  url: string;
  expires_at: string;
}

export interface ListedExecution {
  execution_id: string;
  tenant: string;
  workflow_id: string;
  workflow_version: number;
  subject?: string | null;
  status: string;
  waiting?: OpenQuestion | null;
  paused?: Pause | null;
  trigger: string;
  generation: number;
  started_at: string;
  ended_at: string | null;
  receipt: string | null;
  href: string;
}

export interface ListedQuestion {
  execution_id: string;
  workflow_id: string;
  tenant: string;
  step: string;
  kind: string;
  message?: string | null;
  subject?: string | null;
  incident_id: string;
  by: Array<string>;
  count: number;
  votes: number;
  decisions: Array<string>;
  opened_at: string;
  until: string;
  links: QuestionLinks;
}

export interface ListedReceipt {
  execution_id: string;
  workflow_id: string;
  subject?: string | null;
  status: string;
  generation: number;
  started_at: string;
  sha256: string;
  object: string;
  href: string;
}

export interface NeededApprovals {
  people: number;
  groups: Array<string>;
}

export interface Now {
  open_incidents: Count;
  waiting_questions: Count;
  paused: Array<Control>;
}

export interface OpenQuestion {
  step: string;
  kind: string;
  until: string;
  by: Array<string>;
  count: number;
  votes: number;
  incident: string;
}

export type OperationName = "cancel" | "rollback" | "redrive" | "decide";

export type OutcomeName = "done" | "already" | "refused" | "not_reached" | "pending";

export interface OutlineArrow {
  to: string;
  label?: string | null;
}

export interface OutlineNode {
  name: string;
  kind: string;
  action?: string | null;
  undo?: boolean;
  optional?: boolean;
  escalates?: boolean;
  by?: Array<string>;
  next: Array<OutlineArrow>;
  inside?: Array<Array<OutlineNode>>;
}

export interface Pause {
  scope: string;
  running_executions: PauseBehavior;
  reason?: string | null;
  since: string;
  by: string;
}

export type PauseBehavior = "wait" | "rollback";

export interface PayloadView {
  value?: unknown;
  sha256: string;
  bytes?: number | null;
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  retryable: boolean;
  errors?: Array<string>;
}

export interface Question {
  step: string;
  kind: string;
  status: string;
  until: string;
  decisions: Array<string>;
  decision: DecisionView | null;
  by: Array<string>;
  count: number;
  distinct_groups: boolean;
  votes: Array<VoteView>;
  needed?: NeededApprovals | null;
  incident: string;
  message?: string | null;
  shown_sha256?: string | null;
}

export type QuestionFilter = "me" | "groups" | "tenant";

export interface QuestionLinks {
  execution: string;
  incident: string;
  decision: string;
}

export interface Questions {
  questions: Array<ListedQuestion>;
  next: string | null;
}

export interface Reason {
  reason: string;
}

export type ReceiptFormat = "link" | "file" | "html";

export interface ReceiptLink {
  href: string;
  sha256: string;
}

export interface Receipts {
  receipts: Array<ListedReceipt>;
  next: string | null;
}

export interface Redrive {
  generation: number;
  by: string;
  reason?: string | null;
  at: string;
}

export type RefusalCode = "forbidden" | "conflict" | "too-early" | "already";

export interface RefusalCount {
  reason: string;
  count: number;
  execution_id: string;
}

export interface RemainingEffect {
  step: string;
  item?: string | null;
  action: string;
  state: string;
  certainty: Certainty;
  why: string;
}

export interface RequestResult {
  execution_id: string;
  status: string;
  generation: number;
  replayed: boolean;
  note: string | null;
  links: ExecutionLinks;
}

export interface Residual {
  step: string;
  action: string;
  idempotency_key: string;
  certain: boolean;
}

export interface RunBody {
  token: string;
}

export type ScopeCheck = "found" | "new" | "unavailable";

export type SentApproval = SignedApproval | UnsignedApproval;

export interface ShownField {
  label: string;
  value: string;
}

export interface SignedApproval {
  jws: string;
}

export interface StartCheck {
  admissible: boolean;
  problems: Array<StartProblem>;
  decided_at_start: Array<string>;
}

export interface StartLinks {
  execution: string;
  receipt: string;
}

export interface StartProblem {
  guardrail: string;
  pointer?: string | null;
  message: string;
}

export interface StartRequest {
  input: Record<string, unknown>;
  approval?: SentApproval | null;
}

export interface StartResult {
  execution_id: string;
  workflow_id: string;
  tenant: string;
  replayed: boolean;
  status?: string | null;
  execution?: Execution | null;
  links: StartLinks;
}

export interface Starting {
  execution_id: string;
  workflow_id: string;
  tenant: string;
  status: string;
  steps: Array<Step>;
}

export interface Statistics {
  tenant: string | null;
  from: string;
  until: string;
  by: string;
  total: Figures;
  buckets: Array<Bucket>;
  workflows: Array<WorkflowFigures>;
  steps: Array<StepFigures>;
  tenants?: Array<TenantFigures> | null;
  now: Now;
  updated_at: string | null;
}

export interface StatusCount {
  status: string;
  count: number;
}

export interface Step {
  name: string;
  number: number;
  action: string;
  status: string;
  idempotency_key: string;
  started_at: string | null;
  ended_at: string | null;
  attempts: Array<Attempt>;
  undo_attempts: Array<Attempt>;
  item?: string | null;
  input?: PayloadView;
  output?: PayloadView | null;
}

export interface StepFigures {
  workflow_id: string;
  step: string;
  ended: number;
  attempts: number;
  mean_ms: number;
  total_ms: number;
}

export interface Story {
  execution_id: string;
  status: string;
  events: Array<unknown>;
}

export interface TargetAnswer {
  path: string;
  body: string;
  cut: boolean;
}

export interface Tenant {
  tenant: string;
  state: TenantState;
  by: string;
  at: string;
}

export interface TenantChange {
  tenant: string;
  state: TenantState;
  by: string;
  at: string;
  replayed: boolean;
}

export interface TenantFigures {
  tenant: string;
  started: number;
  ended: Record<string, number>;
  withdrawn: number;
  success_rate: number | null;
  mean_time_to_complete_ms: number | null;
  total_time_to_complete_ms: number;
  decisions: number;
  mean_time_to_decide_ms: number | null;
  total_time_to_decide_ms: number;
}

export type TenantState = "open" | "closed";

export interface Tenants {
  tenants: Array<Tenant>;
}

export interface UnsignedApproval {
  approved_by: string;
  approved_at: string;
  expires_at: string;
  input_sha256: string;
  reference: string;
}

export interface VoteView {
  decision: string;
  by: string;
  group?: string | null;
  acting_for?: string | null;
  in_place_of_group: boolean;
  reason?: string | null;
  at: string;
}

export interface Workflow {
  workflow_id: string;
  version: number;
  tier: "standard" | "express";
  description?: string | null;
  definition_digest: string;
  href: string;
}

export interface WorkflowFigures {
  workflow_id: string;
  started: number;
  ended: Record<string, number>;
  withdrawn: number;
  success_rate: number | null;
  mean_time_to_complete_ms: number | null;
  total_time_to_complete_ms: number;
  decisions: number;
  mean_time_to_decide_ms: number | null;
  total_time_to_decide_ms: number;
}

export interface WorkflowInFull {
  workflow_id: string;
  version: number;
  tier: "standard" | "express";
  description?: string | null;
  definition_digest: string;
  href: string;
  definition: Definition;
  graph: string;
  outline: Array<OutlineNode>;
}

export interface WorkflowVersion {
  version: number;
  tier: "standard" | "express";
  description?: string | null;
  definition_digest: string;
  published_at: string | null;
  deployed: boolean;
}

export interface WorkflowVersions {
  versions: Array<WorkflowVersion>;
  more: boolean;
}

export interface Workflows {
  workflows: Array<Workflow>;
}
