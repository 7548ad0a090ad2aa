module taskyard.example/journeys

go 1.27.0

require (
	github.com/taskcluster/slugid-go v1.1.0
	github.com/taskcluster/taskcluster/v106 v106.0.0
)
