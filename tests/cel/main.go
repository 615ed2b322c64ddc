// Answers what kube-apiserver says of a webhook's conditions, and what it costs there to evaluate them.
//
// A line on the input is a question in JSON, a line on the output its answer:
//
//	{"expression": "true", "version": "1.28", "requests": [REQUEST, …]}
//	{"type": "bool", "results": [{"value": true, "cost": 1}, …]}     or     {"error": "why it does not compile"}
//
// REQUEST is the `request` of an AdmissionReview with its `object`. A result that failed has an `error` in place of the
// value. The question {} is answered with the version of Kubernetes that the library is made for.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	limits "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
)

// The longest line of input, in bytes: a pod of 3 MiB, a few times.
const longestLine = 256 << 20

type question struct {
	Expression string
	Version    string
	Requests   []*admissionv1.AdmissionRequest
}

type answer struct {
	Library string   `json:"library,omitempty"`
	Error   string   `json:"error,omitempty"`
	Type    string   `json:"type,omitempty"`
	Results []result `json:"results,omitempty"`
}

type result struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
	Cost  int64  `json:"cost"`
}

func main() {
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, longestLine)
	known := compilations{}
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatalf("no question: %v", err)
		}
		if err := answers.Encode(asked.answer(known)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

func (asked question) answer(known compilations) answer {
	if asked.Expression == "" {
		return answer{Library: environment.DefaultCompatibilityVersion().String()}
	}
	compiled := known.compile(asked.Version, asked.Expression)
	if compiled.Error != nil {
		return answer{Error: compiled.Error.Detail}
	}
	told := answer{Type: compiled.OutputType.String()}
	evaluator := cel.NewCondition([]cel.CompilationResult{compiled})
	for _, request := range asked.Requests {
		told.Results = append(told.Results, evaluate(evaluator, request))
	}
	return told
}

// compilations are what was compiled already, by version and expression.
type compilations map[[2]string]cel.CompilationResult

func (known compilations) compile(kubernetes, expression string) cel.CompilationResult {
	key := [2]string{kubernetes, expression}
	compiled, found := known[key]
	if !found {
		oldest := environment.DefaultCompatibilityVersion()
		if kubernetes != "" {
			oldest = version.MustParseGeneric(kubernetes)
		}
		compiler := cel.NewCompiler(environment.MustBaseEnvSet(oldest))
		condition := &matchconditions.MatchCondition{Name: "condition", Expression: expression}
		variables := cel.OptionalVariableDeclarations{HasAuthorizer: true}
		compiled = compiler.CompileCELExpression(condition, variables, environment.NewExpressions)
		known[key] = compiled
	}
	return compiled
}

// evaluate gives the evaluator what the API server gives it: the object with whole numbers as such, and the request
// made anew from its attributes.
func evaluate(evaluator cel.ConditionEvaluator, request *admissionv1.AdmissionRequest) result {
	object, err := decoded(request.Object.Raw)
	if err != nil {
		return result{Error: err.Error()}
	}
	kind, resource := schema.GroupVersionKind(request.Kind), schema.GroupVersionResource(request.Resource)
	asker := user.DefaultInfo{Name: request.UserInfo.Username, UID: request.UserInfo.UID, Groups: request.UserInfo.Groups}
	attributes := admission.NewAttributesRecord(object, nil, kind, request.Namespace, request.Name, resource,
		request.SubResource, admission.Operation(request.Operation), nil, false, &asker)
	versioned := admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: object}
	written := cel.CreateAdmissionRequest(attributes, metav1.GroupVersionResource(resource), metav1.GroupVersionKind(kind))
	budget := int64(limits.RuntimeCELCostBudgetMatchConditions)
	results, left, err := evaluator.ForInput(context.Background(), &versioned, written, cel.OptionalVariableBindings{}, nil, budget)
	if err != nil {
		return result{Error: err.Error()}
	}
	if failure := results[0].Error; failure != nil {
		return result{Error: failure.Error(), Cost: budget - left}
	}
	return result{Value: results[0].EvalResult.Value(), Cost: budget - left}
}

func decoded(raw []byte) (runtime.Object, error) {
	fields := map[string]any{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	// Reading asks for a kind, which no condition reads of an object.
	fields["apiVersion"], fields["kind"] = "v1", "Object"
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(raw)
}
